//! Items that need what another object has, whose item waits behind them.

use super::*;

fn id(number: u8) -> String {
    format!("00000000-0000-103f-8000-0000000000{number:02}")
}

/// Lets items of user `number` fail, for the reason that user `other` has something.
fn block(place: &Place, number: u8, other: u8) {
    let fault = Fault::permanent(format!("u{other} has it")).waiting_for(id(other));
    place.notes.failing.lock().unwrap().insert(format!("uid=u{number},dc=x"), fault);
}

/// Works on what waits; whoever waited for a user can go on when that one has been delivered.
fn once(place: &Place) -> Ended {
    let objects = place.objects();
    let recipient = Hooked(&place.notes, |delivery: &Delivery<'_>| {
        let free = |fault: &mut Fault| fault.waits_for.as_ref() != Some(&delivery.item.id);
        let mut failing = place.notes.failing.lock().unwrap();
        if !failing.contains_key(&delivery.item.dn) {
            failing.retain(|_, fault| free(fault));
        }
    });
    let consumer = place.spool.consumer("test").unwrap();
    let ended = Engine::new(consumer, &recipient, &objects, Shutdown::new()).run(Mode::Once);
    objects.close().unwrap();
    ended.unwrap()
}

#[test]
fn the_item_of_the_other_object_goes_first() {
    let place = Place::new();
    block(&place, 1, 3);
    block(&place, 3, 4);
    for number in 1..=5 {
        place.spool.enqueue(&user(number, json!({}))).unwrap();
    }
    assert_eq!(once(&place), Ended::Done);
    let delivered = place.notes.delivered();
    let order: Vec<&str> = delivered.iter().map(|line| &line[4..6]).collect();
    assert_eq!(order, ["u4", "u3", "u1", "u2", "u5"]);
    assert!(place.spool.state().unwrap().is_healthy(), "nobody need be told");
}

#[test]
fn without_such_an_item_the_queue_stands() {
    let place = Place::new();
    block(&place, 1, 3);
    let first = place.spool.enqueue(&user(1, json!({}))).unwrap();
    place.spool.enqueue(&user(2, json!({}))).unwrap();
    assert_eq!(once(&place), Ended::Stopped);
    let state = place.spool.state().unwrap();
    assert_eq!(state.filename, Some(place.spool.path_of(&first)));
    assert_eq!(place.notes.delivered(), Vec::<String>::new());
    // As soon as it comes, both are done.
    place.spool.enqueue(&user(3, json!({}))).unwrap();
    assert_eq!(once(&place), Ended::Done);
    assert!(place.spool.state().unwrap().is_healthy());
}

#[test]
fn two_that_wait_for_each_other_are_a_fault_and_block() {
    let place = Place::new();
    block(&place, 1, 2);
    block(&place, 2, 1);
    place.spool.enqueue(&user(1, json!({}))).unwrap();
    let second = place.spool.enqueue(&user(2, json!({}))).unwrap();
    place.spool.enqueue(&user(3, json!({}))).unwrap();
    for attempts in 1..=2 {
        assert_eq!(once(&place), Ended::Stopped);
        let state = place.spool.state().unwrap();
        assert_eq!(state.filename, Some(place.spool.path_of(&second)));
        assert_eq!((state.attempts, state.message.as_deref()), (attempts, Some("u1 has it")));
    }
    assert_eq!((place.notes.delivered(), place.waiting()), (vec![], 3));
}

#[test]
fn the_daemon_pauses_at_a_fault_behind_and_goes_on_when_it_is_removed() {
    let place = Place::new();
    block(&place, 1, 2);
    let fault = Fault::permanent("no");
    place.notes.failing.lock().unwrap().insert("uid=u2,dc=x".into(), fault);
    place.spool.enqueue(&user(1, json!({}))).unwrap();
    let behind = place.spool.enqueue(&user(2, json!({}))).unwrap();
    daemon(&place, |receiver| {
        let begin = Instant::now();
        for _ in 0..3 {
            assert_eq!(next(receiver), "fault uid=u1,dc=x");
            assert_eq!(next(receiver), "fault uid=u2,dc=x");
        }
        // One second, then two; the next attempt would come after four.
        assert!(begin.elapsed() >= Duration::from_secs(3), "{:?}", begin.elapsed());
        let removed = Instant::now();
        place.notes.failing.lock().unwrap().clear();
        fs::remove_file(place.spool.path_of(&behind)).unwrap();
        assert_eq!(next(receiver), "uid=u1,dc=x new");
        assert!(removed.elapsed() < Duration::from_secs(3), "{:?}", removed.elapsed());
    });
    assert!(place.spool.state().unwrap().is_healthy());
}
