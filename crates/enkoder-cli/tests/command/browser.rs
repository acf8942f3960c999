//! Chromium without a window, which opens a page from disk.

use std::path::Path;
use std::process::Command;

/// The first of these that is there is taken, after the one that `CHROMIUM` names.
const NAMES: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// The text that `script` leaves in an element `<pre id="result">`, run at the end of the page at `path`; none where there is no
/// browser. A script may take its time: `leave(text)` ends it. Nothing may be written to the console.
pub fn run(path: &Path, script: &str) -> Option<String> {
    let Some(browser) = browser() else {
        eprintln!("skipped: there is no Chromium here");
        return None;
    };
    let page = std::fs::read_to_string(path).unwrap();
    let leave = "const leave = text => document.body.append(Object.assign(document.createElement('pre'), { id: 'result', textContent: text }));";
    // The clock runs as fast as it can here, and frames with it; those of the screen may come too late.
    let frames = "<head><script>window.requestAnimationFrame = draw => setTimeout(draw, 16);</script>";
    let page = page.replacen("<head>", frames, 1);
    let tested = page.replace("</body>", &format!("<script>{leave}{script}</script></body>"));
    let tested_path = path.with_extension("tested.html");
    std::fs::write(&tested_path, tested).unwrap();
    let mut command = Command::new(browser);
    command.args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--enable-logging=stderr"]);
    command.args(["--virtual-time-budget=20000", "--window-size=1280,1600", "--dump-dom"]);
    let output = command.arg(format!("file://{}", tested_path.display())).output().unwrap();
    let [page, console] = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let console: Vec<&str> = console.lines().filter(|line| line.contains("CONSOLE")).collect();
    assert!(console.is_empty(), "{console:?}");
    let (_, result) = page.split_once("<pre id=\"result\">").expect("the script has left a result");
    Some(result.split("</pre>").next().unwrap_or_default().to_owned())
}

fn browser() -> Option<String> {
    let named = std::env::var("CHROMIUM").ok();
    let works =
        |name: &String| Command::new(name).arg("--version").output().is_ok_and(|output| output.status.success());
    named.into_iter().chain(NAMES.map(str::to_owned)).find(works)
}
