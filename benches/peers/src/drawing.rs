//! The drawing: a bar for each peer; sealing, opening and batches side by side.

use std::fmt::Write as _;

use crate::{
    BATCH, OURS, Row,
    peer::{Kind, Named, Op},
    tables::middle,
    tasks,
};

/// RSA-2048, on a logarithmic scale.
pub(crate) fn draw(peers: &[Named], rows: &[Row]) -> String {
    let height = TOP + LINE * peers.len() + 12;
    let width = NAMES + PANELS.len() * (PANEL + GAP);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" \
         font-size=\"13\">\n<rect width=\"{width}\" height=\"{height}\" fill=\"white\"/>\n\
         <text x=\"10\" y=\"22\" font-size=\"15\">RSA-2048, microseconds for each secret, logarithmic scale \
         (grey: X25519, for comparison)</text>\n"
    );
    for (panel, (title, op, bytes, batch)) in PANELS.into_iter().enumerate() {
        let left = NAMES + panel * (PANEL + GAP);
        let task = tasks()
            .into_iter()
            .find(|task| (task.op, task.bits, task.bytes, task.batch) == (op, 2048, bytes, batch))
            .expect("it is measured");
        let _ = writeln!(
            svg,
            "<text x=\"{left}\" y=\"46\" font-weight=\"bold\">{title}</text>"
        );
        for (index, peer) in peers.iter().enumerate() {
            let y = TOP + LINE * index;
            let median = middle(rows, task, index);
            // From 0.1 µs on, five factors of ten fill the panel.
            let bar = ((median / 0.1).log10().max(0.02) * (PANEL - 55) as f64 / 5.0).round();
            let fill = match peer.kind {
                _ if index == OURS => "#0b6e4f",
                Kind::X25519 => "#b9c4c9",
                Kind::Ours => "#8fc1ad",
                Kind::Rsa => "#6b9ac4",
            };
            if panel == 0 {
                let name = peer.name.replace('&', "&amp;").replace('<', "&lt;");
                let _ = writeln!(svg, "<text x=\"10\" y=\"{}\">{name}</text>", y + 14);
            }
            let _ = writeln!(
                svg,
                "<rect x=\"{left}\" y=\"{y}\" width=\"{bar}\" height=\"18\" fill=\"{fill}\"/>\
                 <text x=\"{}\" y=\"{}\">{median:.1}</text>",
                left as f64 + bar + 5.0,
                y + 14,
            );
        }
    }
    svg + "</svg>\n"
}

const PANELS: [(&str, Op, usize, usize); 4] = [
    ("seal 4 KiB", Op::Seal, 4096, 1),
    ("open 4 KiB", Op::Open, 4096, 1),
    ("seal 1000 × 256 B", Op::Seal, 256, BATCH),
    ("open 1000 × 256 B", Op::Open, 256, BATCH),
];
const NAMES: usize = 210;
const PANEL: usize = 230;
const GAP: usize = 15;
const TOP: usize = 56;
const LINE: usize = 24;
