//! Times, sorted.

use std::time::Duration;

use serde_json::{Value, json};

/// In milliseconds.
#[derive(Default)]
pub struct Times(Vec<f64>);

impl Times {
    /// One more.
    pub fn add(&mut self, time: Duration) {
        let time = time.as_secs_f64() * 1e3;
        let place = self.0.partition_point(|earlier| *earlier < time);
        self.0.insert(place, time);
    }

    /// Of 100 of them, `percent` are at most as long.
    pub fn quantile(&self, percent: usize) -> f64 {
        match self.0.len() {
            0 => 0.0,
            count => self.0[(count - 1) * percent / 100],
        }
    }

    /// The one in the middle.
    pub fn median(&self) -> f64 {
        self.quantile(50)
    }

    /// The shortest. What else the machine does only ever adds time, so this one says what the
    /// program itself needs also where half of the others were disturbed.
    pub fn fastest(&self) -> f64 {
        self.quantile(0)
    }

    /// For the file.
    pub fn json(&self) -> Value {
        json!({
            "count": self.0.len(),
            "median_ms": rounded(self.median()),
            "p10_ms": rounded(self.quantile(10)),
            "p90_ms": rounded(self.quantile(90)),
        })
    }
}

impl FromIterator<Duration> for Times {
    fn from_iter<T: IntoIterator<Item = Duration>>(iterator: T) -> Self {
        let mut times = Self::default();
        iterator.into_iter().for_each(|time| times.add(time));
        times
    }
}

/// To three places.
pub fn rounded(number: f64) -> f64 {
    (number * 1000.0).round() / 1000.0
}
