//! THE table of routes: every path once, with what each method does there.
//!
//! `/cache/{key}` takes everything behind the prefix, slashes included, except what other routes claim; `/v1/keys/{key}`
//! takes everything. A path that a route claims belongs to it for every method: `PUT /cache/stats` is refused, it does
//! not store a key that `GET` could never read back.

use super::head::Method;

/// What a route does.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Operation {
    /// Read one key.
    Get,
    /// Store one key that stands in the path.
    Put,
    /// Delete one key.
    Remove,
    /// Store one key that stands in the body.
    PutKeyed,
    /// Read the keys in the query.
    GetList,
    /// Read the keys in the body.
    GetMany,
    /// Store the items in the body.
    PutMany,
    /// Delete all keys with a prefix.
    RemovePrefix,
    /// Delete all keys with a tag.
    RemoveTag,
    /// Counters and limits.
    Stats,
    /// Whether the process lives.
    Health,
    /// Whether it serves.
    Ready,
    /// Prometheus' text.
    Metrics,
    /// The description of all this.
    OpenApi,
    /// The nodes and their health.
    ClusterStatus,
    /// Who would hold how many of a sample of keys.
    ClusterDistribution,
    /// The hottest keys.
    ClusterHotkeys,
    /// The namespaces that have a name or settings.
    Namespaces,
    /// One namespace.
    GetNamespace,
    /// Makes a namespace, or gives it these settings.
    PutNamespace,
    /// Empties and forgets a namespace.
    DropNamespace,
}

impl Operation {
    /// Whether it may change data.
    pub fn is_write(self) -> bool {
        use Operation::{Put, PutKeyed, PutMany, Remove, RemovePrefix, RemoveTag};
        matches!(self, Put | PutKeyed | PutMany | Remove | RemovePrefix | RemoveTag)
    }

    /// Whether it works on entries; the rest is about the node.
    pub fn is_data(self) -> bool {
        self.is_write() || matches!(self, Operation::Get | Operation::GetList | Operation::GetMany)
    }

    /// Whether it names any number of keys, each of which counts.
    pub fn is_batch(self) -> bool {
        matches!(self, Operation::GetList | Operation::GetMany | Operation::PutMany)
    }

    /// Whether it is answered without a password: orchestrators and load balancers have none.
    pub fn is_open(self) -> bool {
        matches!(self, Operation::Health | Operation::Ready)
    }
}

/// One path.
#[derive(Debug)]
pub struct Route {
    /// The path as the description writes it.
    pub template: &'static str,
    /// What each method does. `HEAD` is answered wherever `GET` is, `OPTIONS` everywhere.
    pub operations: &'static [(Method, Operation)],
    /// The value of the `Allow` field.
    pub allow: &'static str,
}

impl Route {
    /// What `method` does here.
    #[inline]
    pub fn operation(&self, method: Method) -> Option<Operation> {
        let method = if method == Method::Head { Method::Get } else { method };
        self.operations.iter().find(|(known, _)| *known == method).map(|(_, operation)| *operation)
    }
}

const fn get_only(template: &'static str, operations: &'static [(Method, Operation)]) -> Route {
    Route { template, operations, allow: "GET, HEAD, OPTIONS" }
}

const ONE: &[(Method, Operation)] =
    &[(Method::Get, Operation::Get), (Method::Put, Operation::Put), (Method::Delete, Operation::Remove)];
const ONE_ALLOW: &str = "GET, HEAD, PUT, DELETE, OPTIONS";
const STATS: &[(Method, Operation)] = &[(Method::Get, Operation::Stats)];

static KEY: Route = Route { template: "/cache/{key}", operations: ONE, allow: ONE_ALLOW };
static ANY_KEY: Route = Route { template: "/v1/keys/{key}", operations: ONE, allow: ONE_ALLOW };
static COLLECTION: Route =
    Route { template: "/cache", operations: &[(Method::Post, Operation::PutKeyed)], allow: "POST, OPTIONS" };
static BULK: Route = Route {
    template: "/cache/bulk",
    operations: &[(Method::Get, Operation::GetList), (Method::Post, Operation::PutMany)],
    allow: "GET, HEAD, POST, OPTIONS",
};
static BATCH: Route =
    Route { template: "/cache/batch", operations: &[(Method::Post, Operation::GetMany)], allow: "POST, OPTIONS" };
static PREFIX: Route = Route {
    template: "/cache/prefix/{prefix}",
    operations: &[(Method::Delete, Operation::RemovePrefix)],
    allow: "DELETE, OPTIONS",
};
static TAG: Route = Route {
    template: "/cache/tag/{tag}",
    operations: &[(Method::Delete, Operation::RemoveTag)],
    allow: "DELETE, OPTIONS",
};
static CACHE_STATS: Route = get_only("/cache/stats", STATS);
static NAMESPACE: Route = Route {
    template: "/v1/namespaces/{name}",
    operations: &[
        (Method::Get, Operation::GetNamespace),
        (Method::Put, Operation::PutNamespace),
        (Method::Delete, Operation::DropNamespace),
    ],
    allow: ONE_ALLOW,
};
static PLAIN: [Route; 9] = [
    get_only("/stats", STATS),
    get_only("/health", &[(Method::Get, Operation::Health)]),
    get_only("/ready", &[(Method::Get, Operation::Ready)]),
    get_only("/metrics", &[(Method::Get, Operation::Metrics)]),
    get_only("/openapi.json", &[(Method::Get, Operation::OpenApi)]),
    get_only("/cluster/status", &[(Method::Get, Operation::ClusterStatus)]),
    get_only("/cluster/distribution", &[(Method::Get, Operation::ClusterDistribution)]),
    get_only("/cluster/hotkeys", &[(Method::Get, Operation::ClusterHotkeys)]),
    get_only("/v1/namespaces", &[(Method::Get, Operation::Namespaces)]),
];

/// Every route.
pub fn routes() -> impl Iterator<Item = &'static Route> {
    [&KEY, &ANY_KEY, &COLLECTION, &BULK, &BATCH, &PREFIX, &TAG, &CACHE_STATS, &NAMESPACE].into_iter().chain(&PLAIN)
}

/// The route of `path`, and what stands at its parameter's place, both still percent-encoded.
#[inline]
pub fn find(path: &[u8]) -> Option<(&'static Route, &[u8])> {
    if let Some(rest) = path.strip_prefix(b"/cache/") {
        return Some(match rest {
            b"stats" => (&CACHE_STATS, &[]),
            b"bulk" => (&BULK, &[]),
            b"batch" => (&BATCH, &[]),
            [b'p', b'r', b'e', b'f', b'i', b'x', b'/', prefix @ ..] => (&PREFIX, prefix),
            [b't', b'a', b'g', b'/', tag @ ..] => (&TAG, tag),
            key => (&KEY, key),
        });
    }
    if let Some(key) = path.strip_prefix(b"/v1/keys/") {
        return Some((&ANY_KEY, key));
    }
    if let Some(name) = path.strip_prefix(b"/v1/namespaces/") {
        return Some((&NAMESPACE, name));
    }
    if path == b"/cache" {
        return Some((&COLLECTION, &[]));
    }
    PLAIN.iter().find(|route| route.template.as_bytes() == path).map(|route| (route, [].as_slice()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str) -> Option<(&'static str, String)> {
        find(path.as_bytes()).map(|(route, rest)| (route.template, String::from_utf8_lossy(rest).into_owned()))
    }

    #[test]
    fn every_route_is_found_by_its_template() {
        for route in routes() {
            let (prefix, parameter) = route.template.split_once('{').unwrap_or((route.template, ""));
            let path = if parameter.is_empty() { prefix.to_owned() } else { format!("{prefix}some/thing") };
            let rest = if parameter.is_empty() { "" } else { "some/thing" };
            assert_eq!(found(&path), Some((route.template, rest.to_owned())));
        }
    }

    #[test]
    fn what_a_route_claims_is_no_key_there_and_a_key_under_v1() {
        for path in ["stats", "bulk", "batch"] {
            assert_eq!(found(&format!("/cache/{path}")).unwrap().0, format!("/cache/{path}"));
            assert_eq!(found(&format!("/v1/keys/{path}")), Some(("/v1/keys/{key}", path.to_owned())));
        }
        for key in ["", "prefix", "tag", "stats/", "bulk2", "..", "a/b"] {
            assert_eq!(found(&format!("/cache/{key}")), Some(("/cache/{key}", key.to_owned())));
        }
        for path in ["/", "*", "/v1", "/v1/keys", "/cachex", "/stats/", "/v2/keys/a"] {
            assert_eq!(found(path), None, "{path}");
        }
    }

    #[test]
    fn every_route_is_documented() {
        let page = include_str!("../../../../docs/reference/http.md");
        for route in routes() {
            assert!(page.contains(route.template), "{} is not in docs/reference/http.md", route.template);
        }
    }

    #[test]
    fn allow_names_the_methods_that_are_answered() {
        for route in routes() {
            let mut expected: Vec<&str> = route.operations.iter().map(|(method, _)| method.name()).collect();
            if route.operation(Method::Head).is_some() {
                expected.insert(1, "HEAD");
            }
            expected.push("OPTIONS");
            assert_eq!(route.allow, expected.join(", "), "{}", route.template);
        }
    }
}
