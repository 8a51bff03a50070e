//! What till and gateway say to each other: frames, jobs, enrolment.
