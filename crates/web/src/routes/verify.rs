//! `/auth/verify` where everybody could ask it.

use crate::Response;
use crate::call::Call;
use crate::problem::{Code, Problem};
use std::future::{Ready, ready};

/// `GET /auth/verify`: what it answers has a token in it, which a script of a page must not get.
pub(crate) fn get(_: Call) -> Ready<Result<Response, Problem>> {
    ready(Err(Code::VerifiedElsewhere.into()))
}
