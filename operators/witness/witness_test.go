package witness_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"

	"example.com/midplane/operators/witness"
)

func TestNotesReachTheNearestWatcher(t *testing.T) {
	var outer, inner []string
	list := func(to *[]string) func(witness.Means, string) {
		return func(m witness.Means, what string) { *to = append(*to, string(m)+" "+what) }
	}
	before := witness.Unwatched()
	a := witness.Watch(context.Background(), list(&outer))
	b := witness.Watch(a, list(&inner))
	witness.Note(a, witness.Reference, "Add")
	witness.Note(b, witness.Session, "run")
	witness.Note(witness.Watch(b, nil), witness.Session, "run")
	assert.Equal(t, []string{"reference Add"}, outer)
	assert.Equal(t, []string{"session run"}, inner)
	assert.Equal(t, before, witness.Unwatched())
	witness.Note(context.Background(), witness.Reference, "Add")
	assert.Equal(t, before+1, witness.Unwatched())
}
