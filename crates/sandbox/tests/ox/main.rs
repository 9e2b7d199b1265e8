//! The stand-in OX server as its clients see it: over HTTP.

#[cfg(test)]
mod support;

#[cfg(test)]
mod examples;
#[cfg(test)]
mod failures;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod malformed;
#[cfg(test)]
mod page;
#[cfg(test)]
mod process;
#[cfg(test)]
mod scale;
#[cfg(test)]
mod transport;
#[cfg(test)]
mod zeep;
