//! crate
#![allow(x)]
use std::{
    a,
    b,
};
/// doc
#[derive(Debug)]
pub struct S<T> {
    #[serde(x)]
    pub a: i32,
    b: T,
}
pub enum E {
    A,
    B { x: i32 },
}
impl<T: X> Tr for S<T>
where
    T: Y,
{
    const X: i32 = 1;
    /// doc f
    #[inline]
    pub async fn f(&self, a: i32) -> Result<()> {
        let x = match a {
            1 => 2,
            2 | 3 => {
                x();
            }
            _ => 4
        };
        #[cfg(x)]
        foo();
        let v = vec![
            1,
            2,
        ];
        let s = S {
            a: 1,
            ..d
        };
        if let Some(x) = y { a } else {
            b
        };
        loop { break; }
        unsafe {
            q();
        }
        Ok(())
    }
}
trait Tr {
    fn f(&self);
    fn g(&self) {
        x();
    }
}
macro_rules! m {
    ($x:expr) => { $x };
}
mod tests {
    use super::*;
    #[test]
    fn t() {
        assert!(true);
    }
}
static A: [i32; 2] = [
    1,
    2,
];

/// A stack of values.
///
/// Grows without bound.
#[derive(Clone, Default)]
pub struct Stack<T> {
    /// The values.
    values: Vec<T>,
}

impl<T> Stack<T> {
    pub const fn new() -> Self {
        Self { values: Vec::new() }
    }

    pub fn pop(&mut self) -> Option<T> {
        // from the end
        let last = self.values.pop()?;
        for (i, v) in self.values.iter().enumerate() {
            if i > 3 {
                break;
            } else if i == 2 {
                println!("{}", i);
            }
        }
        let f = |x: i32| {
            let y = x + 1;
            y * 2
        };
        while let Some(x) = self.next() {
            f(x);
        }
        let text = r#"fn not_code() {
"#;
        Some(last)
    }
}

extern "C" {
    fn abs(input: i32) -> i32;
}

pub type Result<T> = std::result::Result<T, Error>;
