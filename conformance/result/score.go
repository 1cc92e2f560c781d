package result

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

// Score counts the cases of one group. Every case of the profile is in one of
// the columns.
type Score struct {
	Group string `json:"group"` // "op", "law", "device", …: the first part of the IDs
	Cells int    `json:"cells"`

	Native     int `json:"native"`     // verified, by kernels of the device or as a whole graph
	Decomposed int `json:"decomposed"` // verified, by kernels for the parts
	Self       int `json:"self"`       // by the oracle's own code
	Host       int `json:"host"`       // nothing ran on the device
	Fallback   int `json:"fallback"`   // by midplane, behind the device's back
	Failed     int `json:"failed"`
	Declined   int `json:"declined"`   // declared as unsupported
	Undeclared int `json:"undeclared"` // unsupported, and declared otherwise
	Waived     int `json:"waived"`
	Faults     int `json:"faults"`

	Classes map[string]int `json:"classes,omitempty"` // of the verified ones, by accuracy class
}

// Verified returns how many cells the device computes, as far as is known.
func (s Score) Verified() int { return s.Native + s.Decomposed }

// Declared returns how many cells the device said it supports and had to prove:
// not those that ran on the host, nor those that the oracle's own code computed.
func (s Score) Declared() int {
	return s.Cells - s.Declined - s.Host - s.Self - s.Faults
}

// Honesty returns the share of the declared cells that is verified, 0 of none.
func (s Score) Honesty() float64 { return share(s.Verified(), s.Declared()) }

// Coverage returns the share of all cells that is verified.
func (s Score) Coverage() float64 { return share(s.Verified(), s.Cells) }

func share(part, whole int) float64 {
	if whole == 0 {
		return 0
	}
	return float64(part) / float64(whole)
}

// add counts a result.
func (s *Score) add(r Result) {
	s.Cells++
	switch r.Outcome {
	case Pass:
		s.Native++
	case PassDecomposed:
		s.Decomposed++
	case PassSelf:
		s.Self++
	case PassHost:
		s.Host++
	case Fallback:
		s.Fallback++
	case UnsupportedDeclared:
		s.Declined++
	case UnsupportedUndeclared:
		s.Undeclared++
	case WaivedFailure:
		s.Waived++
	case Fault:
		s.Faults++
	default:
		s.Failed++
	}
	if r.Class != "" && (r.Outcome == Pass || r.Outcome == PassDecomposed) {
		if s.Classes == nil {
			s.Classes = make(map[string]int)
		}
		s.Classes[r.Class]++
	}
}

// Groups scores results by a key, in the keys' order.
func Groups(results []Result, key func(Result) string) []Score {
	scores := make(map[string]*Score)
	for _, r := range results {
		k := key(r)
		if scores[k] == nil {
			scores[k] = &Score{Group: k}
		}
		scores[k].add(r)
	}
	list := make([]Score, 0, len(scores))
	for _, s := range scores {
		list = append(list, *s)
	}
	slices.SortFunc(list, func(a, b Score) int { return strings.Compare(a.Group, b.Group) })
	return list
}

// Group returns the first part of an ID: "op", "law", "official".
func Group(r Result) string {
	group, _, found := strings.Cut(r.ID, "/")
	if !found {
		return "official"
	}
	return group
}

// Operator returns the operator of a cell's ID, "" of other cases.
func Operator(r Result) string {
	parts := strings.Split(r.ID, "/")
	if parts[0] != "op" || len(parts) < 3 {
		return ""
	}
	return parts[1]
}

// Interface returns the interface of package driver of a device cell's ID, "" of
// other cases.
func Interface(r Result) string {
	parts := strings.Split(r.ID, "/")
	if parts[0] != "device" || len(parts) < 3 {
		return ""
	}
	name, _, _ := strings.Cut(parts[2], ".")
	return name
}

// WriteScores writes scores as a table for people.
func WriteScores(w io.Writer, scores []Score) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "cells\tof\tverified\tnative\tdecomposed\tself\thost\tfallback\tfailed\tdeclined\tundeclared\twaived\tfaults\thonesty\t")
	for _, s := range scores {
		fmt.Fprintf(t, "%d\t%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%s\t\n", s.Cells, s.Group, s.Verified(), s.Native, s.Decomposed,
			s.Self, s.Host, s.Fallback, s.Failed, s.Declined, s.Undeclared, s.Waived, s.Faults, Percent(s.Honesty(), s.Declared()))
	}
	return t.Flush()
}

// Percent writes a share for people, - for one of nothing.
func Percent(v float64, of int) string {
	if of == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f %%", 100*v)
}
