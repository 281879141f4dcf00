//! Rules of the control plane, seen from outside: calls and what they answer.
