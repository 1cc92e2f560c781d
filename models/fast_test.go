//go:build !race && !wasm

package models_test

// slower is how much longer than usual things may take in this build.
const slower = 1
