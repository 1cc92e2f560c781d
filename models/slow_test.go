//go:build race || wasm

package models_test

// slowness is how much longer than usual things may take.
const slowness = 10
