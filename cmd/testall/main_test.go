package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestTallyCountsAndTellsWhy(t *testing.T) {
	events := []string{
		`{"Action":"pass","Package":"p","Test":"TestA"}`,
		`{"Action":"output","Package":"p","Test":"TestB","Output":"    b_test.go:7: DATA is not set: 3 cases did not run\n"}`,
		`{"Action":"skip","Package":"p","Test":"TestB"}`,
		`{"Action":"output","Package":"p","Test":"TestC","Output":"got 1, want 2\n"}`,
		`{"Action":"fail","Package":"p","Test":"TestC"}`,
		`{"Action":"output","Package":"p","Output":"FAIL\n"}`,
		`{"Action":"fail","Package":"p","Elapsed":0.5}`,
		`not JSON`,
	}
	var out strings.Builder
	c := &tally{output: make(map[string][]string), reasons: make(map[string]int), out: &out}
	c.read(strings.NewReader(strings.Join(events, "\n")))
	c.summary()
	assert.Equal(t, "got 1, want 2\nFAIL\nfail p 0.5s\nnot JSON\nskipped 1: DATA is not set: 3 cases did not run\n1 passed, 1 failed, 1 skipped\n", out.String())
}

func TestTallyCountsPackagesThatDoNotBuild(t *testing.T) {
	var out strings.Builder
	c := &tally{output: make(map[string][]string), reasons: make(map[string]int), out: &out}
	c.read(strings.NewReader(`{"Action":"fail","Package":"p"}`))
	assert.Equal(t, 1, c.failed)
}
