//! Turns Markdown into HTML, with pulldown-cmark. Everything that is linked here is pure Rust, so cargo also builds for the other
//! architecture without a C compiler for it.
use lambda_runtime::{run, service_fn, Error, LambdaEvent};
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
struct Event {
    markdown: String,
}

#[derive(Serialize)]
struct Answer {
    html: String,
}

async fn hello(event: LambdaEvent<Event>) -> Result<Answer, Error> {
    let mut html = String::new();
    pulldown_cmark::html::push_html(&mut html, pulldown_cmark::Parser::new(&event.payload.markdown));
    Ok(Answer { html })
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run(service_fn(hello)).await
}
