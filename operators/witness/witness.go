// Package witness makes seen which of midplane's own means of computing take
// part in a run: whoever scores a backend has to know when it is not the backend
// that did the work.
//
// Those means are noted under the context that they are called with. A context
// carries a watcher; what is noted under none is counted.
package witness

import (
	"context"
	"sync/atomic"
)

// Means is a way in which midplane computes by itself.
type Means string

// The means that are noted.
const (
	Reference Means = "reference" // an operator of package reference
	Session   Means = "session"   // a run of a session of package models
)

type key struct{}

// Watch returns a context under which f is told of every means used. It may be
// called by several goroutines at once. A nil f is a watcher that does not care.
func Watch(ctx context.Context, f func(m Means, what string)) context.Context {
	if f == nil {
		f = func(Means, string) {}
	}
	return context.WithValue(ctx, key{}, f)
}

var unwatched atomic.Int64

// Note says that a means is used, and for what. It is called by those who offer
// the means.
func Note(ctx context.Context, m Means, what string) {
	if f, ok := ctx.Value(key{}).(func(Means, string)); ok {
		f(m, what)
		return
	}
	unwatched.Add(1)
}

// Unwatched returns how often a means was used, in the whole process, under a
// context without a watcher.
func Unwatched() int64 { return unwatched.Load() }
