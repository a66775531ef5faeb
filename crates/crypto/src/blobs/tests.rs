//! Laws of sealed blobs: what is pushed comes back, and every change is noticed.

use super::*;
use crate::keyring::tests::ring;
use proptest::prelude::*;

const NAME: &str = "states/sv-1";
const SEALED: usize = CHUNK_LEN + TAG_LEN;

fn seal(ring: &Keyring, name: &str, plaintext: &[u8]) -> Vec<u8> {
    let mut sealer = ring.seal_blob(name);
    let mut sealed = sealer.header().to_vec();
    sealer.push(plaintext, &mut sealed).unwrap();
    sealer.finish(&mut sealed).unwrap();
    sealed
}

fn open(ring: &Keyring, name: &str, sealed: &[u8]) -> Result<Vec<u8>> {
    let layout = Layout::of_sealed(sealed.len() as u64)?;
    let (header, body) = sealed.split_first_chunk().expect("the layout was accepted");
    let opener = ring.open_blob(name, header)?;
    let mut plaintext = Vec::new();
    for (number, chunk) in (0..).zip(body.chunks(SEALED)) {
        let mut chunk = chunk.to_vec();
        opener.open(number, number == layout.last_chunk(), &mut chunk)?;
        plaintext.extend_from_slice(&chunk);
    }
    Ok(plaintext)
}

fn content(len: usize) -> Vec<u8> {
    (0..len).map(|at| u8::try_from(at * 31 % 251).unwrap()).collect()
}

#[test]
fn every_length_around_a_chunk_comes_back_and_is_known_from_the_sealed_length() {
    let ring = ring(&[("k1", 1)]);
    for len in [0, 1, CHUNK_LEN - 1, CHUNK_LEN, CHUNK_LEN + 1, 3 * CHUNK_LEN, 3 * CHUNK_LEN + 7] {
        let sealed = seal(&ring, NAME, &content(len));
        let layout = Layout::of_plaintext(len as u64);
        assert_eq!(layout.sealed_len(), sealed.len() as u64);
        assert_eq!(Layout::of_sealed(sealed.len() as u64).unwrap(), layout);
        assert_eq!(open(&ring, NAME, &sealed).unwrap(), content(len));
    }
}

#[test]
fn a_blob_does_not_open_under_another_name() {
    let ring = ring(&[("k1", 1)]);
    let sealed = seal(&ring, NAME, b"x");
    assert!(matches!(open(&ring, "states/sv-2", &sealed), Err(Error::Tampered)));
}

#[test]
fn a_wrong_key_does_not_open_and_a_rotated_one_does() {
    let sealed = seal(&ring(&[("k1", 1)]), NAME, b"x");
    assert!(matches!(open(&ring(&[("k1", 2)]), NAME, &sealed), Err(Error::Tampered)));
    assert!(matches!(open(&ring(&[("k2", 1)]), NAME, &sealed), Err(Error::UnknownKey(_))));
    assert_eq!(open(&ring(&[("k2", 2), ("k1", 1)]), NAME, &sealed).unwrap(), b"x");
}

#[test]
fn every_changed_byte_is_noticed() {
    let ring = ring(&[("k1", 1)]);
    let sealed = seal(&ring, NAME, b"some state");
    for at in 0..sealed.len() {
        let mut changed = sealed.clone();
        changed[at] ^= 1;
        assert!(open(&ring, NAME, &changed).is_err(), "byte {at}");
    }
}

#[test]
fn chunks_can_be_neither_cut_nor_added_nor_reordered() {
    let ring = ring(&[("k1", 1)]);
    let sealed = seal(&ring, NAME, &content(3 * CHUNK_LEN));
    let (header, body) = sealed.split_at(HEADER_LEN);
    let chunks: Vec<&[u8]> = body.chunks(SEALED).collect();
    for order in [&[0, 1][..], &[0, 1, 2, 2], &[1, 0, 2], &[0, 2, 1], &[0, 2], &[2]] {
        let body = order.iter().flat_map(|at| chunks[*at]);
        let changed: Vec<u8> = header.iter().chain(body).copied().collect();
        assert!(matches!(open(&ring, NAME, &changed), Err(Error::Tampered)), "{order:?}");
    }
}

#[test]
fn a_length_that_no_blob_has_is_refused() {
    let impossible = [0, HEADER_LEN, HEADER_LEN + TAG_LEN - 1, HEADER_LEN + SEALED + TAG_LEN];
    for len in impossible {
        assert!(Layout::of_sealed(len as u64).is_err(), "{len}");
    }
}

#[test]
fn each_sealing_has_its_own_data_key() {
    let ring = ring(&[("k1", 1)]);
    let [one, two] = [seal(&ring, NAME, &content(100)), seal(&ring, NAME, &content(100))];
    assert_ne!(one[HEADER_LEN..], two[HEADER_LEN..]);
    let mixed = [&one[..HEADER_LEN], &two[HEADER_LEN..]].concat();
    assert!(open(&ring, NAME, &mixed).is_err());
}

#[test]
fn sealing_holds_back_one_chunk_at_most() {
    let ring = ring(&[("k1", 1)]);
    let mut sealer = ring.seal_blob(NAME);
    let (mut pushed, mut sealed) = (0, 0);
    for len in [1, CHUNK_LEN - 1, CHUNK_LEN, 5, 3 * CHUNK_LEN, 40_000, 40_000] {
        let mut out = Vec::new();
        sealer.push(&content(len), &mut out).unwrap();
        pushed += len;
        sealed += out.len() / SEALED * CHUNK_LEN;
        assert!(pushed - sealed <= CHUNK_LEN);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_pieces_in_which_content_arrives_do_not_matter(
        pieces in proptest::collection::vec(0..100_000_usize, 0..6),
    ) {
        let ring = ring(&[("k1", 1)]);
        let all = content(pieces.iter().sum());
        let mut sealer = ring.seal_blob(NAME);
        let mut sealed = sealer.header().to_vec();
        let mut rest = &all[..];
        for piece in pieces {
            let (head, tail) = rest.split_at(piece);
            sealer.push(head, &mut sealed).unwrap();
            rest = tail;
        }
        sealer.finish(&mut sealed).unwrap();
        prop_assert_eq!(sealed.len() as u64, Layout::of_plaintext(all.len() as u64).sealed_len());
        prop_assert_eq!(open(&ring, NAME, &sealed).unwrap(), all);
    }

    #[test]
    fn a_layout_survives_the_way_through_its_sealed_length(len in 0..u64::from(u32::MAX) << 12) {
        let layout = Layout::of_plaintext(len);
        prop_assert_eq!(Layout::of_sealed(layout.sealed_len()).unwrap(), layout);
        prop_assert_eq!(layout.sealed_range(0, layout.last_chunk()).end, layout.sealed_len());
    }
}
