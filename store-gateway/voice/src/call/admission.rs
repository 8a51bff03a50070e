//! How many calls the box takes at a time.

/// No more calls are taken: 486 to the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} calls are under way, and no more are taken")]
pub struct Busy(pub usize);

/// The count of calls under way.
#[derive(Clone, Debug)]
pub struct Admission {
    most: usize,
    /// Of these, kept free for the store's own phones.
    kept: usize,
    running: usize,
}

impl Admission {
    /// Takes `most` calls; the last `kept` of them only from the store's phones, so that callers from outside never
    /// leave the store without a line.
    pub const fn new(most: usize, kept: usize) -> Self {
        Self { most, kept, running: 0 }
    }

    /// A call of a store phone. An emergency call is made whatever this says.
    ///
    /// # Errors
    /// [`Busy`] at the bound.
    pub const fn admit_phone(&mut self) -> Result<(), Busy> {
        self.admit(self.most)
    }

    /// A call from outside.
    ///
    /// # Errors
    /// [`Busy`] at the bound.
    pub const fn admit_outside(&mut self) -> Result<(), Busy> {
        self.admit(self.most.saturating_sub(self.kept))
    }

    /// An admitted call ended ([`super::Output::Ended`]).
    pub const fn release(&mut self) {
        self.running = self.running.saturating_sub(1);
    }

    const fn admit(&mut self, most: usize) -> Result<(), Busy> {
        if self.running >= most {
            return Err(Busy(self.running));
        }
        self.running += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callers_from_outside_leave_a_line_to_the_store() {
        let mut calls = Admission::new(3, 1);
        assert_eq!([calls.admit_outside(), calls.admit_outside()], [Ok(()), Ok(())]);
        assert_eq!(calls.admit_outside(), Err(Busy(2)));
        assert_eq!(calls.admit_phone(), Ok(()));
        assert_eq!(calls.admit_phone(), Err(Busy(3)));
        calls.release();
        calls.release();
        assert_eq!(calls.admit_outside(), Ok(()));
    }
}
