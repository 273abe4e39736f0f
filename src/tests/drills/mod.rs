//! Drills: what becomes of the money when many ask at once, when a server is killed, when the database is away, when the
//! disk is full, and when somebody asks for nonsense? In each of them a call is charged once, or its caller has no answer.

mod away;
mod bad_input;
pub mod callers;
mod concurrency;
mod full;
mod killed;
mod relay;
