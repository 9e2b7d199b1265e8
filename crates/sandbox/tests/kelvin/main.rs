//! The stand-in Kelvin server as its clients see it: over HTTP.

#[cfg(test)]
mod support;

#[cfg(test)]
mod changing;
#[cfg(test)]
mod classes;
#[cfg(test)]
mod creating;
#[cfg(test)]
mod examples;
#[cfg(test)]
mod failures;
#[cfg(test)]
mod library;
#[cfg(test)]
mod malformed;
#[cfg(test)]
mod page;
#[cfg(test)]
mod places;
#[cfg(test)]
mod process;
#[cfg(test)]
mod searching;
#[cfg(test)]
mod token;
#[cfg(test)]
mod transport;
