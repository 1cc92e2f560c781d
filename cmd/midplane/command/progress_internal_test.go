package command

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"example.com/midplane/conformance"
)

func TestEstimate(t *testing.T) {
	var out bytes.Buffer
	at := time.Unix(0, 0)
	e := &estimate{w: &out, now: func() time.Time { return at }, begun: at, told: at}
	for done := 101; done <= 200; done++ { // a hundred were there before
		at = at.Add(2 * time.Second)
		e.after(done, 200, conformance.Result{Status: []conformance.Status{conformance.Passed, conformance.Failed}[done%2]})
	}
	assert.Equal(t, `130 of 200 cases, 15 failed, about 2m20s left
160 of 200 cases, 30 failed, about 1m20s left
190 of 200 cases, 45 failed, about 20s left
`, out.String())

	out.Reset()
	e = &estimate{w: &out, bar: true, now: func() time.Time { return at }, begun: at, told: at}
	for done := range 4 {
		at = at.Add(time.Second)
		e.after(done+1, 4, conformance.Result{ID: "op/Add"})
	}
	assert.Equal(t, "\r\x1b[K[#####...............] 1 of 4 cases, 0 failed, about 3s left op/Add"+
		"\r\x1b[K[##########..........] 2 of 4 cases, 0 failed, about 2s left op/Add"+
		"\r\x1b[K[###############.....] 3 of 4 cases, 0 failed, about 1s left op/Add\r\x1b[K", out.String())
}
