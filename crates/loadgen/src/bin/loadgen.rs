//! `loadgen --port 6379 --operation get --pipeline 16 --server-pid 4711`: one run, its report as one line of JSON.
//!
//! There is no list of options here: `--value-bytes 64` sets the field `value_bytes` of [`Config`], whatever fields it
//! has, and `--help` prints them with their defaults.

use scrubjay_loadgen::{Config, run};
use serde_json::{Map, Value};
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--help" || argument == "-h") {
        println!("usage: loadgen [--SETTING VALUE]...   one run; the report is a line of JSON\n");
        if let Ok(Value::Object(defaults)) = serde_json::to_value(Config::default()) {
            for (name, value) in defaults {
                println!("  --{:<18} {value}", name.replace('_', "-"));
            }
        }
        println!(
            "\noperation: get set mix load ping; protocol: resp memcached meta http; a rate of 0 is a closed loop"
        );
        return ExitCode::SUCCESS;
    }
    let outcome = parse(&arguments).and_then(|config| run(&config).map_err(|error| error.to_string()));
    match outcome {
        Ok(report) => {
            println!("{}", serde_json::to_string(&report).expect("a report has no unusual keys"));
            // As in any test tool: error replies are a finding, but not a success.
            ExitCode::from(u8::from(report.errors > 0))
        }
        Err(sentence) => {
            eprintln!("loadgen: {sentence}");
            ExitCode::from(2)
        }
    }
}

fn parse(arguments: &[String]) -> Result<Config, String> {
    let mut settings = Map::new();
    let mut rest = arguments.iter();
    while let Some(flag) = rest.next() {
        let name = flag.strip_prefix("--").ok_or_else(|| format!("'{flag}' is no option; see --help"))?;
        let text = rest.next().ok_or_else(|| format!("{flag} needs a value"))?;
        let value = serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.clone()));
        settings.insert(name.replace('-', "_"), value);
    }
    serde_json::from_value(Value::Object(settings)).map_err(|error| format!("{error}; see --help"))
}
