//! Processor time that one item costs: from the LDAP entry to the bytes in the queue, and back.
//!
//! `cargo run --release -p idspool-udm --example bench_udm`
//!
//! Data: users of the sample directory, `b.meier` with 44 attributes (32 properties, 1.1 kB) and
//! `a.oehler` with every one there is (151 properties, 6.3 kB, certificate and photo included).
//! On a shared two-core virtual machine of 2026:
//!
//! | | `b.meier` | `a.oehler` |
//! |---|---|---|
//! | map | 6.9 µs | 33 µs |
//! | write for the queue | 1.2 µs | 7.4 µs |
//! | write as snapshot | 1.6 µs | 12.5 µs |
//! | parse | 5.3 µs | 35 µs |
//! | parse the head | 1.5 µs | 7.2 µs |
//! | scan the head | 0.23 µs | 0.28 µs |
//!
//! Key of a DN: 42 ns when it is its own, 69 ns in capitals, 1.0 µs with escapes. A group of 10,000 members: 1.4 ms.

#![expect(clippy::print_stdout, reason = "it is there to print")]

#[path = "../tests/support/mod.rs"]
mod support;

use std::error::Error;
use std::hint::black_box;

use idspool_udm::mapping::Mapper;
use idspool_udm::{ConvertedItem, Encoding, Entry, ItemHead, Module, dn};

const ROUNDS: u64 = 5;
const CALLS: u64 = 20_000;

fn main() -> Result<(), Box<dyn Error>> {
    let entries = support::directory();
    let mapper = Mapper::new(Encoding::Raw, support::today());
    for rdn in ["uid=b.meier", "uid=a.oehler"] {
        let entry = support::entry(&entries, rdn);
        let related = support::related(&entries, &[entry], false);
        let id = "0f3c9c6a-0000-103f-8000-000000000001".parse()?;
        let item = mapper.item(&id, Module::User, entry, &related, false);
        let bytes = item.to_queue_bytes();
        let head = bytes.get(..512).unwrap_or(&bytes);
        println!("{rdn}");
        report("map", CALLS, || mapper.object(Module::User, black_box(entry), &related))?;
        report("write for the queue", CALLS, || black_box(&item).to_queue_bytes())?;
        report("write as snapshot", CALLS, || black_box(&item).to_snapshot_bytes())?;
        report("parse", CALLS, || ConvertedItem::parse(black_box(&bytes)))?;
        report("parse the head", CALLS, || ItemHead::parse(black_box(&bytes)))?;
        report("scan the head", CALLS, || ItemHead::scan(black_box(head)))?;
    }

    let mut group = Entry::new("cn=Domain Users,cn=groups,dc=example,dc=org");
    for number in 0..10_000 {
        group.push("uniqueMember", format!("uid=user{number},cn=users,dc=example,dc=org"));
    }
    let nobody = idspool_udm::mapping::Related::default();
    println!("a group of 10,000");
    report("map", 20, || mapper.object(Module::Group, black_box(&group), &nobody))?;

    println!("key of a DN");
    report("its own", CALLS, || dn::key(black_box("uid=a.oehler,cn=users,dc=x,dc=org")).len())?;
    report("in capitals", CALLS, || dn::key(black_box("UID=A.Oehler,CN=Users,DC=x,DC=org")).len())?;
    report("with escapes", CALLS, || dn::key(black_box("cn=Vertrieb\\2C Süd,dc=x,dc=org")).len())?;
    Ok(())
}

/// The best of several rounds: the rest is what other processes did to the caches.
fn report<T>(what: &str, calls: u64, mut call: impl FnMut() -> T) -> Result<(), Box<dyn Error>> {
    let mut best = u64::MAX;
    for _ in 0..ROUNDS {
        let before = processor_time()?;
        for _ in 0..calls {
            black_box(call());
        }
        best = best.min((processor_time()? - before) / calls);
    }
    println!("  {what:<20} {best:>9} ns");
    Ok(())
}

/// Nanoseconds on a processor, as Linux counts them: waiting for one does not count.
fn processor_time() -> Result<u64, Box<dyn Error>> {
    // Brings the counter up to date.
    std::thread::yield_now();
    let statistics = std::fs::read_to_string("/proc/self/schedstat")?;
    Ok(statistics.split(' ').next().unwrap_or_default().parse()?)
}
