//go:build race

package mutant_test

// raced says that the race detector watches, which would catch races that the
// suite is to catch.
const raced = true
