package result

import (
	"encoding/json"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"
	"time"
)

// Waiver excuses failures that are known, until a day.
type Waiver struct {
	ID      string `json:"id"`
	Cases   string `json:"cases"` // a path pattern: "op/Conv/*/float16/*/*"; a trailing "/..." stands for any rest
	Reason  string `json:"reason"`
	URL     string `json:"url,omitempty"`
	Expires Day    `json:"expires"` // the last day on which it holds
}

// Day is a date, written as 2006-01-02.
type Day struct{ time.Time }

// ParseDay reads a date.
func ParseDay(s string) (Day, error) {
	t, err := time.Parse(time.DateOnly, s)
	return Day{t}, err
}

// MarshalJSON implements json.Marshaler.
func (d Day) MarshalJSON() ([]byte, error) { return json.Marshal(d.Format(time.DateOnly)) }

// UnmarshalJSON implements json.Unmarshaler.
func (d *Day) UnmarshalJSON(b []byte) error {
	var s string
	err := json.Unmarshal(b, &s)
	if err == nil {
		*d, err = ParseDay(s)
	}
	return err
}

// ReadWaivers reads a JSON list of waivers.
func ReadWaivers(file string) ([]Waiver, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var list []Waiver
	if err := json.Unmarshal(b, &list); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	for i, w := range list {
		_, broken := path.Match(w.Cases, "")
		if w.ID == "" || w.Reason == "" || w.Cases == "" || w.Expires.IsZero() || broken != nil {
			return nil, fmt.Errorf("%s: waiver %d (%q) needs an id, a pattern of cases, a reason and the day it expires on", file, i, w.ID)
		}
	}
	return list, nil
}

// Covers reports whether the waiver is for a case.
func (w Waiver) Covers(id string) bool {
	if prefix, ok := strings.CutSuffix(w.Cases, "/..."); ok {
		parts := strings.Split(id, "/")
		n := strings.Count(prefix, "/") + 1
		if len(parts) < n {
			return false
		}
		matched, _ := path.Match(prefix, strings.Join(parts[:n], "/"))
		return matched
	}
	matched, _ := path.Match(w.Cases, id)
	return matched
}

// Holds reports whether the waiver has not expired at a time.
func (w Waiver) Holds(at time.Time) bool { return at.Before(w.Expires.AddDate(0, 0, 1)) }

// Waive excuses a failure that a waiver in force covers.
func Waive(r *Result, waivers []Waiver, at time.Time) {
	if r.Status != Failed {
		return
	}
	for _, w := range waivers {
		if w.Covers(r.ID) && w.Holds(at) {
			r.Waiver, r.Waived = w.ID, r.Outcome
			r.As(WaivedFailure, fmt.Sprintf("%s, waived by %s until %s: %s", r.Outcome, w.ID, w.Expires.Format(time.DateOnly), r.Reason))
			return
		}
	}
}

// Excused returns results of which those that waivers in force cover are waived.
func Excused(results []Result, waivers []Waiver, at time.Time) []Result {
	list := slices.Clone(results)
	for i := range list {
		Waive(&list[i], waivers, at)
	}
	return list
}
