use futures_util::FutureExt as _;
use tokio::time::advance;

use super::*;

fn slots(connections: usize, per_address: usize) -> ConnectionSlots {
    let limits = Limits {
        connections,
        connections_per_address: per_address,
        header_timeout: Duration::from_secs(8),
        ..Limits::default()
    };
    ConnectionSlots::new(&limits, None)
}

fn give(slots: &ConnectionSlots, address: &str) -> Option<ConnectionSlot> {
    slots.assign(address.parse().unwrap())
}

fn is_displaced(slot: &mut ConnectionSlot) -> bool {
    slot.leave.try_recv().is_ok()
}

/// A place whose connection is worked on.
fn working(slots: &ConnectionSlots, address: &str) -> ConnectionSlot {
    let slot = give(slots, address).unwrap();
    assert!(slot.activity.working());
    slot
}

#[tokio::test]
async fn an_address_has_so_many_and_leaves_room_for_others() {
    let slots = slots(9, 2);
    let first = working(&slots, "192.0.2.1");
    let second = working(&slots, "::ffff:192.0.2.1");
    assert!(give(&slots, "192.0.2.1").is_none());
    assert!(give(&slots, "192.0.2.2").is_some());
    drop(first);
    assert!(give(&slots, "192.0.2.1").is_some());

    let one = working(&slots, "2001:db8::1");
    let two = working(&slots, "2001:db8::2");
    assert!(give(&slots, "2001:db8::3").is_none(), "one /64, one client");
    assert!(give(&slots, "2001:db8:0:1::3").is_some());

    drop((one, two, second));
    let table = slots.0.table.lock();
    assert!(table.addresses.is_empty(), "nothing is left behind");
    assert!(table.waiting.is_empty());
    assert_eq!((table.open, table.leaving), (0, 0));
}

#[tokio::test]
async fn an_address_with_too_many_gives_up_its_longest_silent_one() {
    let slots = slots(9, 2);
    let mut first = give(&slots, "192.0.2.1").unwrap();
    let mut second = give(&slots, "192.0.2.1").unwrap();
    let mut other = give(&slots, "192.0.2.2").unwrap();
    let third = give(&slots, "192.0.2.1");
    assert!(third.is_some());
    assert!(is_displaced(&mut first));
    assert!(!is_displaced(&mut second) && !is_displaced(&mut other));
}

#[tokio::test]
async fn the_longest_silent_connection_makes_room() {
    let slots = slots(3, 3);
    let mut a = give(&slots, "192.0.2.1").unwrap();
    let mut b = give(&slots, "192.0.2.2").unwrap();
    let mut c = give(&slots, "192.0.2.3").unwrap();
    // It was answered, and is silent since then.
    assert!(a.activity.working());
    a.activity.waiting();
    // Its headers have come, its body has not.
    assert!(b.activity.receiving());
    let mut d = give(&slots, "192.0.2.4").unwrap();
    assert!(is_displaced(&mut c));
    let mut e = give(&slots, "192.0.2.5").unwrap();
    assert!(is_displaced(&mut a));
    let _f = give(&slots, "192.0.2.6").unwrap();
    assert!(is_displaced(&mut b));
    assert!(!is_displaced(&mut d) && !is_displaced(&mut e));
}

#[tokio::test(start_paused = true)]
async fn a_connection_whose_body_never_comes_is_displaced_like_an_idle_one() {
    // By another address, by its own, and after a quarter of the time while places are short.
    for (connections, per_address, next, wait) in [
        (2, 2, "192.0.2.9", 0),
        (9, 2, "192.0.2.1", 0),
        (2, 2, "192.0.2.9", 2100),
    ] {
        let slots = slots(connections, per_address);
        let mut slow = give(&slots, "192.0.2.1").unwrap();
        assert!(slow.activity.receiving());
        let mut idle = give(&slots, "192.0.2.1").unwrap();
        advance(Duration::from_millis(wait)).await;
        assert!(give(&slots, next).is_some());
        assert!(is_displaced(&mut slow), "{next} {wait}");
        assert_eq!(is_displaced(&mut idle), wait > 0);
        // Its body is not carried out if it comes after all.
        assert!(!slow.activity.working());
    }
}

#[tokio::test]
async fn a_connection_that_is_worked_on_keeps_its_place() {
    let slots = slots(2, 2);
    let mut a = working(&slots, "192.0.2.1");
    let mut b = working(&slots, "192.0.2.2");
    assert!(give(&slots, "192.0.2.3").is_none());
    let room = slots.room();
    tokio::pin!(room);
    assert!((&mut room).now_or_never().is_none());
    b.activity.waiting();
    room.await;
    let c = give(&slots, "192.0.2.3");
    assert!(c.is_some() && is_displaced(&mut b) && !is_displaced(&mut a));
    // What arrives after that on the lost place is not carried out.
    assert!(!b.activity.working() && !b.activity.receiving());
    b.activity.waiting();
    drop((b, c));
    assert_eq!(slots.0.table.lock().open, 1);
}

#[tokio::test(start_paused = true)]
async fn while_places_are_short_silence_is_borne_for_a_quarter_of_the_time() {
    let slots = slots(8, 8);
    let mut silent: Vec<_> = (0..3)
        .map(|n| give(&slots, &format!("192.0.2.{n}")).unwrap())
        .collect();
    advance(Duration::from_millis(2100)).await;
    let mut more: Vec<_> = (10..13)
        .map(|n| give(&slots, &format!("192.0.2.{n}")).unwrap())
        .collect();
    assert!(!silent.iter_mut().any(is_displaced), "places are left");
    let next = give(&slots, "192.0.2.20");
    assert!(next.is_some() && silent.iter_mut().all(is_displaced));
    assert!(!more.iter_mut().any(is_displaced));
}

#[tokio::test]
async fn sockets_that_are_not_closed_yet_are_waited_for() {
    let slots = slots(1, 1);
    let mut leaving = Vec::new();
    for _ in 0..=MOST_LEAVING {
        slots.room().await;
        leaving.push(give(&slots, "192.0.2.1").unwrap());
    }
    let room = slots.room();
    tokio::pin!(room);
    assert!((&mut room).now_or_never().is_none());
    leaving.remove(0);
    room.await;
}

#[tokio::test]
async fn a_body_that_ends_after_the_answer_does_not_keep_the_place() {
    let slots = slots(1, 1);
    let mut refused = give(&slots, "192.0.2.1").unwrap();
    let activity = refused.activity();
    let request = activity.request();
    assert!(activity.receiving());
    // It is refused early; what is left of the body is read afterwards.
    activity.waiting();
    assert!(activity.received(request));
    let next = give(&slots, "192.0.2.2");
    assert!(next.is_some() && is_displaced(&mut refused));
}
