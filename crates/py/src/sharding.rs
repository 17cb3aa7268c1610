//! `scrubjay.HashRing` and `scrubjay.Rendezvous`: which of several independent servers holds a key.

use crate::{errors, key};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyMapping, PyString};
use scrubjay_cluster::ring::VIRTUAL_NODES;
use scrubjay_cluster::weight::{Member, Refused};
use scrubjay_cluster::{Rendezvous as Bids, Ring, hash};

// `help(HashRing)` shows a number and not the name of a constant, so the default is written out in its signature.
const _: () = assert!(VIRTUAL_NODES == 150);

/// What both kinds can do, by the hash of a key and the index of a node.
trait Placement {
    fn members(&self) -> &[Member];
    fn first(&self, key: u64) -> Option<usize>;
    fn preference(&self, key: u64, count: usize) -> Vec<usize>;
}

impl Placement for Ring {
    fn members(&self) -> &[Member] {
        self.members()
    }

    fn first(&self, key: u64) -> Option<usize> {
        self.first(key)
    }

    fn preference(&self, key: u64, count: usize) -> Vec<usize> {
        self.preference(key).take(count).collect()
    }
}

impl Placement for Bids {
    fn members(&self) -> &[Member] {
        self.members()
    }

    fn first(&self, key: u64) -> Option<usize> {
        self.first(key)
    }

    fn preference(&self, key: u64, count: usize) -> Vec<usize> {
        let mut order = self.preference(key);
        order.truncate(count);
        order
    }
}

/// A ring of weighted virtual nodes, for keys spread over independent servers.
///
/// Every program with the same nodes finds the same node for a key, in any language (positions are XXH3-64 hashes; see
/// the guide "Client-side sharding"). When a node joins or leaves, only its own share of the keys moves. Keys are `str`
/// or `bytes`; `"a"` and `b"a"` are the same key. Finding a node takes a fraction of a microsecond; shares spread by
/// 1 / sqrt(virtual_nodes), some 8 % with 150. `Rendezvous` has no spread, and asks every node.
///
/// Args:
///     nodes: names with weights (a node of weight 2 takes twice the keys), or names alone, each with weight 1.
///     virtual_nodes: points on the ring for a weight of 1.
///
/// Raises:
///     ConfigurationError: a weight is not a number from 0.000001 to 1000000, a name comes twice, or there would be more
///         than 1048576 points for a node.
///
/// Example:
///     >>> ring = HashRing({"cache-a:6379": 1, "cache-b:6379": 2})
///     >>> ring.get("user:1")
///     'cache-b:6379'
#[pyclass(weakref, module = "scrubjay")]
pub struct HashRing {
    ring: Ring,
}

#[pymethods]
impl HashRing {
    #[new]
    #[pyo3(signature = (nodes, virtual_nodes=150))]
    fn new(nodes: &Bound<'_, PyAny>, virtual_nodes: u32) -> PyResult<HashRing> {
        let nodes = named(nodes)?;
        let ring = Ring::of(virtual_nodes, nodes.iter().map(|(id, weight)| (id.as_str(), *weight)));
        Ok(HashRing { ring: ring.map_err(|refused| unusable(&refused))? })
    }

    /// The node that holds `key`.
    ///
    /// Raises:
    ///     ConfigurationError: there is no node.
    fn get<'py>(&self, py: Python<'py>, key: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyString>> {
        get(py, &self.ring, key)
    }

    /// The first `n` nodes in the order in which `key` prefers them: the one that holds it, then the ones that would if
    /// those before were gone. Fewer if there are fewer nodes.
    fn get_many(&self, key: &Bound<'_, PyAny>, n: usize) -> PyResult<Vec<&str>> {
        get_many(&self.ring, key, n)
    }

    /// Adds a node. It takes its share of the keys from all others.
    ///
    /// Raises:
    ///     ConfigurationError: the name is there already or the weight cannot be used; nothing was changed.
    #[pyo3(signature = (node, weight=1.0))]
    fn add(&mut self, node: &str, weight: f64) -> PyResult<()> {
        self.ring.add(node, weight).map_err(|refused| unusable(&refused))
    }

    /// Removes a node. Its keys go to the others.
    ///
    /// Raises:
    ///     NotFound: there is no such node.
    fn remove(&mut self, py: Python<'_>, node: &str) -> PyResult<()> {
        if self.ring.remove(node) { Ok(()) } else { Err(no_such(py, node)) }
    }

    /// How many of these keys each node holds, every node included. `sample` is a collection of keys, or a number: that
    /// many made-up ones.
    #[pyo3(signature = (sample=None))]
    fn distribution<'py>(slf: &Bound<'py, Self>, sample: Option<&Bound<'py, PyAny>>) -> PyResult<Bound<'py, PyDict>> {
        // Reading the sample may run any Python code, which may change the ring: it is borrowed afterwards.
        let keys = sampled(sample)?;
        counted(slf.py(), &slf.borrow().ring, &keys)
    }

    /// The nodes and their weights.
    #[getter]
    fn nodes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        weights(py, &self.ring)
    }

    /// Points on the ring for a weight of 1.
    #[getter]
    fn virtual_nodes(&self) -> u32 {
        self.ring.virtual_nodes()
    }

    fn __len__(&self) -> usize {
        self.ring.members().len()
    }

    fn __contains__(&self, node: &str) -> bool {
        self.ring.contains(node)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(format!("HashRing({}, virtual_nodes={})", self.nodes(py)?.repr()?, self.virtual_nodes()))
    }

    fn __getnewargs__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyDict>, u32)> {
        Ok((self.nodes(py)?, self.virtual_nodes()))
    }
}

/// Weighted rendezvous hashing, for keys spread over independent servers.
///
/// Every node bids for a key and the highest bid holds it, so shares are those of the weights, without the spread of a
/// ring, and a change of a node moves keys to or from that node alone. Every program with the same nodes finds the same
/// node for a key. Keys are `str` or `bytes`. The cost grows with the number of nodes: 0.2 microseconds with 3, one with
/// 300, where `HashRing` takes 0.1 to 0.2.
///
/// Args:
///     nodes: names with weights (a node of weight 2 takes twice the keys), or names alone, each with weight 1.
///
/// Raises:
///     ConfigurationError: a weight is not a number from 0.000001 to 1000000, or a name comes twice.
///
/// Example:
///     >>> servers = Rendezvous(["cache-a:6379", "cache-b:6379"])
///     >>> servers.get_many("user:1", 2)
///     ['cache-a:6379', 'cache-b:6379']
#[pyclass(weakref, module = "scrubjay")]
pub struct Rendezvous {
    bids: Bids,
}

#[pymethods]
impl Rendezvous {
    #[new]
    fn new(nodes: &Bound<'_, PyAny>) -> PyResult<Rendezvous> {
        let nodes = named(nodes)?;
        let bids = Bids::of(nodes.iter().map(|(id, weight)| (id.as_str(), *weight)));
        Ok(Rendezvous { bids: bids.map_err(|refused| unusable(&refused))? })
    }

    /// The node that holds `key`.
    ///
    /// Raises:
    ///     ConfigurationError: there is no node.
    fn get<'py>(&self, py: Python<'py>, key: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyString>> {
        get(py, &self.bids, key)
    }

    /// The first `n` nodes in the order in which `key` prefers them: the one that holds it, then the ones that would if
    /// those before were gone. Fewer if there are fewer nodes.
    fn get_many(&self, key: &Bound<'_, PyAny>, n: usize) -> PyResult<Vec<&str>> {
        get_many(&self.bids, key, n)
    }

    /// Adds a node. It takes its share of the keys from all others.
    ///
    /// Raises:
    ///     ConfigurationError: the name is there already or the weight cannot be used; nothing was changed.
    #[pyo3(signature = (node, weight=1.0))]
    fn add(&mut self, node: &str, weight: f64) -> PyResult<()> {
        self.bids.add(node, weight).map_err(|refused| unusable(&refused))
    }

    /// Removes a node. Its keys go to the others.
    ///
    /// Raises:
    ///     NotFound: there is no such node.
    fn remove(&mut self, py: Python<'_>, node: &str) -> PyResult<()> {
        if self.bids.remove(node) { Ok(()) } else { Err(no_such(py, node)) }
    }

    /// How many of these keys each node holds, every node included. `sample` is a collection of keys, or a number: that
    /// many made-up ones.
    #[pyo3(signature = (sample=None))]
    fn distribution<'py>(slf: &Bound<'py, Self>, sample: Option<&Bound<'py, PyAny>>) -> PyResult<Bound<'py, PyDict>> {
        let keys = sampled(sample)?;
        counted(slf.py(), &slf.borrow().bids, &keys)
    }

    /// The nodes and their weights.
    #[getter]
    fn nodes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        weights(py, &self.bids)
    }

    fn __len__(&self) -> usize {
        self.bids.members().len()
    }

    fn __contains__(&self, node: &str) -> bool {
        self.bids.contains(node)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(format!("Rendezvous({})", self.nodes(py)?.repr()?))
    }

    fn __getnewargs__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyDict>,)> {
        Ok((self.nodes(py)?,))
    }
}

/// How many made-up keys `distribution` counts unless it is told otherwise.
const SAMPLE: u64 = 10_000;

/// The most made-up keys: some seconds of work.
const SAMPLE_MAX: u64 = 100_000_000;

/// Names and weights from a mapping, or names alone.
fn named(nodes: &Bound<'_, PyAny>) -> PyResult<Vec<(String, f64)>> {
    if key::is_one(nodes) {
        let message =
            format!("nodes: {} is one text: use a list of names, or a dict of names and weights", nodes.repr()?);
        return Err(errors::configuration(nodes.py(), message));
    }
    if let Ok(mapping) = nodes.cast::<PyMapping>() {
        return mapping.items()?.iter().map(|item| item.extract()).collect();
    }
    nodes.try_iter()?.map(|name| Ok((name?.extract()?, 1.0))).collect()
}

fn get<'py>(py: Python<'py>, nodes: &impl Placement, key: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyString>> {
    let at = nodes.first(hash::of_key(key::bytes_of(key)?)).ok_or_else(|| nobody(py))?;
    Ok(PyString::new(py, &nodes.members()[at].id))
}

fn get_many<'a>(nodes: &'a impl Placement, key: &Bound<'_, PyAny>, count: usize) -> PyResult<Vec<&'a str>> {
    let order = nodes.preference(hash::of_key(key::bytes_of(key)?), count);
    Ok(order.into_iter().map(|at| nodes.members()[at].id.as_str()).collect())
}

/// The hashes of a sample: of the keys in a collection, or of so many made-up ones.
fn sampled(sample: Option<&Bound<'_, PyAny>>) -> PyResult<Vec<u64>> {
    let made_up = |count: u64| (0..count).map(|number| hash::of_key(format!("key:{number}").as_bytes())).collect();
    let Some(sample) = sample else { return Ok(made_up(SAMPLE)) };
    if let Ok(count) = sample.extract::<u64>() {
        return match count <= SAMPLE_MAX {
            true => Ok(made_up(count)),
            false => Err(errors::configuration(sample.py(), format!("sample: {count}: use at most {SAMPLE_MAX} keys"))),
        };
    }
    if key::is_one(sample) {
        let message = format!("sample: {} is one key: use a list of keys, or a number", sample.repr()?);
        return Err(errors::configuration(sample.py(), message));
    }
    sample.try_iter()?.map(|key| Ok(hash::of_key(key::bytes_of(&key?)?))).collect()
}

fn counted<'py>(py: Python<'py>, nodes: &impl Placement, keys: &[u64]) -> PyResult<Bound<'py, PyDict>> {
    let mut counts = vec![0u64; nodes.members().len()];
    for &key in keys {
        counts[nodes.first(key).ok_or_else(|| nobody(py))?] += 1;
    }
    let dict = PyDict::new(py);
    for (member, count) in nodes.members().iter().zip(counts) {
        dict.set_item(&member.id, count)?;
    }
    Ok(dict)
}

fn weights<'py>(py: Python<'py>, nodes: &impl Placement) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    for member in nodes.members() {
        dict.set_item(&member.id, member.weight)?;
    }
    Ok(dict)
}

#[cold]
fn unusable(refused: &Refused) -> PyErr {
    Python::attach(|py| errors::configuration(py, refused.to_string()))
}

#[cold]
fn nobody(py: Python<'_>) -> PyErr {
    errors::configuration(py, "there is no node: add one with add(name)")
}

#[cold]
fn no_such(py: Python<'_>, node: &str) -> PyErr {
    errors::named(py, "NotFound", format!("there is no node '{node}'"))
}
