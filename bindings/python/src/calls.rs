//! The two calls that programs make for every request, `Limiter.allow` and `Limiter.check`, past what PyO3
//! does around every call: to read arguments of any kind, and to note that the call runs, takes a fifth
//! of a hot `allow`.
//!
//! Only the arguments of usual calls are read here, a key and perhaps a cost. All others, and wrong ones above
//! all, are handed to the methods as PyO3 has made them. So PyO3's stay the one description of both, and
//! these are put in their place when the module is made.
//!
//! Since PyO3 does not know that a call runs, a `Py` that was dropped in it would be let go of only at the next
//! call that it knows of: use `Bound`, or `Py::drop_ref`.

#![allow(unsafe_code)]

use std::ffi::CString;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::null_mut;

use pyo3::exceptions::PyRuntimeError;
use pyo3::panic::PanicException;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBool, PyDict, PyTuple, PyType};
use pyo3::{Borrowed, ffi};

use crate::convert::{Cost, Key};
use crate::limiter::Limiter;

/// Puts the calls in the place of PyO3's, whose documentation they take over.
pub(crate) fn install(py: Python<'_>) -> PyResult<()> {
    let class = py.get_type::<Limiter>();
    replace(&class, "allow", &ALLOW, allow)?;
    replace(&class, "check", &CHECK, check)
}

/// A method as PyO3 has made it.
type General = PyOnceLock<Py<PyAny>>;

static ALLOW: General = General::new();
static CHECK: General = General::new();

fn replace(
    class: &Bound<'_, PyType>,
    name: &str,
    general: &General,
    call: ffi::PyCFunctionFastWithKeywords,
) -> PyResult<()> {
    let (py, method) = (class.py(), class.getattr(name)?);
    let (signature, doc) = (method.getattr("__text_signature__")?, method.getattr("__doc__")?);
    let doc = CString::new(format!("{name}{signature}\n--\n\n{doc}"))?;
    general.get_or_init(py, || method.unbind());
    // Never freed, as the class isn't.
    let definition = Box::leak(Box::new(ffi::PyMethodDef {
        ml_name: CString::new(name)?.into_raw(),
        ml_meth: ffi::PyMethodDefPointer { PyCFunctionFastWithKeywords: call },
        ml_flags: ffi::METH_FASTCALL | ffi::METH_KEYWORDS,
        ml_doc: doc.into_raw(),
    }));
    // SAFETY: the definition stays, and its function is of the kind that its flags say.
    let method = unsafe {
        let method = ffi::PyDescr_NewMethod(class.as_type_ptr(), definition);
        Bound::from_owned_ptr_or_err(py, method)?
    };
    class.setattr(name, method)
}

/// `allow` by CPython's convention.
unsafe extern "C" fn allow(
    slf: *mut ffi::PyObject,
    values: *const *mut ffi::PyObject,
    positional: ffi::Py_ssize_t,
    names: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: CPython calls it, as a method of `Limiter`.
    let call = unsafe { Call::new(slf, values, positional, names) };
    call.answered(&ALLOW, |limiter, py, key, cost| {
        limiter.allow(py, key, cost).map(|allowed| PyBool::new(py, allowed).to_owned())
    })
}

/// `check` by CPython's convention.
unsafe extern "C" fn check(
    slf: *mut ffi::PyObject,
    values: *const *mut ffi::PyObject,
    positional: ffi::Py_ssize_t,
    names: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: CPython calls it, as a method of `Limiter`.
    let call = unsafe { Call::new(slf, values, positional, names) };
    call.answered(&CHECK, Limiter::check)
}

/// A call as CPython makes it.
#[derive(Clone, Copy)]
struct Call<'a> {
    limiter: Borrowed<'a, 'a, Limiter>,
    /// The positional arguments, and then those with names.
    values: &'a [*mut ffi::PyObject],
    names: Option<Borrowed<'a, 'a, PyTuple>>,
}

impl<'a> Call<'a> {
    /// # Safety
    /// These are what CPython calls a method of `Limiter` with, and `'a` ends before that call does.
    #[inline(always)]
    unsafe fn new(
        slf: *mut ffi::PyObject,
        values: *const *mut ffi::PyObject,
        positional: ffi::Py_ssize_t,
        names: *mut ffi::PyObject,
    ) -> Self {
        // SAFETY: a method's descriptor lets no `slf` through that is not of its class. Whoever calls is
        // attached to the interpreter, keeps all objects until it has returned, gives names as a tuple or
        // null, and a value for each after the positional ones.
        unsafe {
            let py = Python::assume_attached();
            let names = Borrowed::from_ptr_or_opt(py, names).map(|names| names.cast_unchecked::<PyTuple>());
            let count = positional.unsigned_abs() + names.map_or(0, |names| names.len());
            let values = if count == 0 { &[] } else { std::slice::from_raw_parts(values, count) };
            Self { limiter: Borrowed::from_ptr(py, slf).cast_unchecked(), values, names }
        }
    }

    /// What the call gives, as CPython takes it.
    #[inline(always)]
    fn answered<T>(
        self,
        general: &General,
        decide: impl FnOnce(&'a Limiter, Python<'a>, Key<'a>, Cost<'a, 'a>) -> PyResult<Bound<'a, T>>,
    ) -> *mut ffi::PyObject {
        let answered = catch_unwind(AssertUnwindSafe(|| match self.usual() {
            Some((key, cost)) => decide(self.limiter.get(), self.py(), key, cost).map(Bound::into_ptr),
            None => self.general(general).map(Bound::into_ptr),
        }));
        let answered = answered.unwrap_or_else(|_| Err(PanicException::new_err("a bug in tidegate")));
        answered.unwrap_or_else(|error| {
            error.restore(self.py());
            null_mut()
        })
    }

    #[inline(always)]
    fn py(self) -> Python<'a> {
        self.limiter.py()
    }

    #[inline(always)]
    fn value(self, value: *mut ffi::PyObject) -> Borrowed<'a, 'a, PyAny> {
        // SAFETY: it is one of the call's, which are all there until it ends.
        unsafe { Borrowed::from_ptr(self.py(), value) }
    }

    /// The key and the cost, if they can be read without a question.
    #[inline(always)]
    fn usual(self) -> Option<(Key<'a>, Cost<'a, 'a>)> {
        let (key, cost) = match *self.values {
            [key] if self.is_in_order() => (key, Cost::Same(1)),
            [key, cost] if self.is_in_order() => (key, Cost::extract(self.value(cost)).ok()?),
            _ => return None,
        };
        let key = self.text(key).or_else(|| Key::extract(self.value(key)).ok())?;
        Some((key, cost))
    }

    /// A key that is a `str`, looked at once.
    #[inline(always)]
    fn text(self, key: *mut ffi::PyObject) -> Option<Key<'a>> {
        // SAFETY: it is an object, which is there, and its text with it, until the call ends.
        unsafe {
            if ffi::PyUnicode_Check(key) == 0 {
                return None;
            }
            let mut length = 0;
            let text = ffi::PyUnicode_AsUTF8AndSize(key, &mut length);
            if text.is_null() {
                ffi::PyErr_Clear();
                return None;
            }
            Some(Key(std::slice::from_raw_parts(text.cast(), length.unsigned_abs())))
        }
    }

    /// Whether the values with names are where they would be without.
    #[inline(always)]
    fn is_in_order(self) -> bool {
        self.names.is_none_or(|names| are_last(names, self.values.len()))
    }

    /// The same call of a method that takes all.
    #[cold]
    fn general(self, method: &General) -> PyResult<Bound<'a, PyAny>> {
        let py = self.py();
        let names: Vec<_> = self.names.iter().flat_map(|names| names.iter()).collect();
        let (positional, named) = self.values.split_at(self.values.len() - names.len());
        let keywords = PyDict::new(py);
        for (name, &value) in names.iter().zip(named) {
            keywords.set_item(name, self.value(value))?;
        }
        let limiter = self.limiter.as_any().as_borrowed();
        let arguments = std::iter::once(limiter).chain(positional.iter().map(|&value| self.value(value)));
        let arguments = PyTuple::new(py, arguments.collect::<Vec<_>>())?;
        let method = method.get(py).ok_or_else(|| PyRuntimeError::new_err("not installed"))?;
        method.bind(py).call(arguments, Some(&keywords))
    }
}

/// Whether these are the names of the last of so many arguments.
#[inline(never)]
fn are_last(names: Borrowed<'_, '_, PyTuple>, count: usize) -> bool {
    let mut pairs = names.iter_borrowed().rev().zip(["key", "cost"].iter().take(count).rev());
    pairs.all(|(name, expected)| name.extract::<&str>().is_ok_and(|name| name == *expected))
}
