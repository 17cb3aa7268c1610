//! Where a thread keeps its connections: numbered places, reused, with a generation so that an event for a closed
//! connection never reaches the one that took its place.

use super::poll::Token;
use crate::connection::Connection;

/// Connections by [`Token`].
#[derive(Default)]
pub(super) struct Slab {
    places: Vec<Place>,
    free: Vec<u32>,
    taken: usize,
}

#[derive(Default)]
struct Place {
    generation: u32,
    /// Boxed, so that a turn borrows it from the slab by moving a pointer, and growth moves pointers only.
    connection: Option<Box<Connection>>,
}

impl Slab {
    /// How many connections there are, those on loan included.
    pub fn len(&self) -> usize {
        self.taken
    }

    /// How many places there are; place numbers are below.
    pub fn places(&self) -> usize {
        self.places.len()
    }

    /// The token that the next connection gets.
    pub fn next_token(&mut self) -> Token {
        let place = self.free.last().copied().unwrap_or_else(|| {
            self.places.push(Place::default());
            let place = self.places.len() as u32 - 1;
            self.free.push(place);
            place
        });
        Token(u64::from(self.places[place as usize].generation) << 32 | u64::from(place))
    }

    /// Keeps a connection that was made with [`Slab::next_token`].
    pub fn insert(&mut self, connection: Box<Connection>) {
        let place = self.free.pop();
        debug_assert_eq!(place, Some(connection.token.0 as u32), "the token was asked for just before");
        self.taken += 1;
        self.give_back(connection);
    }

    /// Lends the connection, if it is still there and not on loan.
    #[inline]
    pub fn lend(&mut self, token: Token) -> Option<Box<Connection>> {
        let place = self.places.get_mut(token.0 as u32 as usize)?;
        if place.generation != (token.0 >> 32) as u32 {
            return None;
        }
        place.connection.take()
    }

    /// Takes a connection back that was lent.
    #[inline]
    pub fn give_back(&mut self, connection: Box<Connection>) {
        let place = &mut self.places[connection.token.0 as u32 as usize];
        place.connection = Some(connection);
    }

    /// Frees the place of a connection that was lent and is gone.
    pub fn retire(&mut self, token: Token) {
        let number = token.0 as u32;
        self.places[number as usize].generation = self.places[number as usize].generation.wrapping_add(1) & GENERATIONS;
        self.free.push(number);
        self.taken -= 1;
    }

    /// The token of the connection in place `number`.
    pub fn token_at(&self, number: usize) -> Option<Token> {
        self.places[number].connection.as_ref().map(|connection| connection.token)
    }

    /// The connection in place `number`.
    pub fn at(&self, number: usize) -> Option<&Connection> {
        self.places[number].connection.as_deref()
    }
}

/// Generations stay below the tokens that the event loop keeps for itself.
const GENERATIONS: u32 = u32::MAX >> 1;
