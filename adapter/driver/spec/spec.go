// Package spec is the device interface as one table: every function with its
// group, the types of its parameters in order, whether a device must have it,
// since which version it exists, and what its absence means.
//
// Whatever else says something about the interface is made from the table: the
// capability bits of package driver, docs/device-interface.md, the mapping of
// other interfaces, the list of conformance cells, the functions of a C plug-in
// in the order of their ordinals. A test holds the Go interfaces of package
// driver against it, method by method and type by type.
//
// The types are those that a C function can carry: see [Type].
package spec

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Group is a part of the interface.
type Group string

// The groups, in the order in which people read them.
const (
	Discovery  Group = "discovery"
	Lifetime   Group = "lifetime"
	Memory     Group = "memory"
	Copies     Group = "copies"
	Streams    Group = "streams and events"
	Capture    Group = "capture and replay"
	Random     Group = "random numbers"
	Collective Group = "collectives"
	Health     Group = "health and telemetry"
	Profiling  Group = "profiling"
	Partitions Group = "partitions"
)

// Groups lists them.
var Groups = []Group{Discovery, Lifetime, Memory, Copies, Streams, Capture, Random, Collective, Health, Profiling, Partitions}

// Owner is the kind of handle that a function is called on.
type Owner string

// The owners. Objects are what other functions return.
const (
	OfDriver Owner = "driver"
	OfDevice Owner = "device"
	OfObject Owner = "object"
)

// NoBit is the Bit of an interface that is not announced by one.
const NoBit = -1

// Interface is one Go interface of package driver.
type Interface struct {
	Name      string // as in Go: "Filler"
	Owner     Owner
	Bit       int     // of driver.Caps
	Required  bool    // of every driver, device or buffer
	Version   Version // in which it came
	Does      string  // in a sentence
	Absent    string  // what its absence means
	Functions []Function
}

// Function is one method of an interface.
type Function struct {
	Interface *Interface
	Group     Group
	Ordinal   int // place among all functions, from 0 on; never changes
	Name      string
	In, Out   []Param // without the handle that it is called on, and without the error
	Fails     bool    // returns an error
	Does      string  // in a sentence
}

// Version is a version of the interface; see driver.Version.
type Version struct{ Major, Minor int }

// String returns for example "1.1".
func (v Version) String() string { return fmt.Sprintf("%d.%d", v.Major, v.Minor) }

// Param is a parameter or a result.
type Param struct {
	Name string
	Type Type
}

// ID returns the function's name among all: "Filler.Fill".
func (f *Function) ID() string { return f.Interface.Name + "." + f.Name }

// String returns the function as Go declares it.
func (f *Function) String() string {
	in := make([]string, len(f.In))
	for i, p := range f.In {
		in[i] = p.Name + " " + p.Type.Go
	}
	var out []string
	for _, p := range f.Out {
		out = append(out, p.Type.Go)
	}
	if f.Fails {
		out = append(out, "error")
	}
	s := f.Name + "(" + strings.Join(in, ", ") + ")"
	switch len(out) {
	case 0:
	case 1:
		s += " " + out[0]
	default:
		s += " (" + strings.Join(out, ", ") + ")"
	}
	return strings.ReplaceAll(strings.ReplaceAll(s, "driver.", ""), "[]uint8", "[]byte")
}

// Interfaces lists the interfaces in the order of groups.
func Interfaces() []*Interface { return table }

// Functions lists the functions in the order of their ordinals: by version, and
// within one version in the order of the table. New ones come last.
func Functions() []*Function { return functions }

// Lookup returns the function of an ID.
func Lookup(id string) (*Function, bool) {
	i := slices.IndexFunc(functions, func(f *Function) bool { return f.ID() == id })
	if i < 0 {
		return nil, false
	}
	return functions[i], true
}

// Capabilities lists the interfaces that have a bit, in the order of the bits.
func Capabilities() []*Interface {
	var caps []*Interface
	for _, i := range table {
		if i.Bit != NoBit {
			caps = append(caps, i)
		}
	}
	slices.SortFunc(caps, func(a, b *Interface) int { return cmp.Compare(a.Bit, b.Bit) })
	return caps
}

// Current is the newest version in the table.
func Current() Version { return functions[len(functions)-1].Interface.Version }

var (
	table     = slices.Concat(discovery, lifetime, memory, copies, streams, capture, random, collective, health, profiling, partitions)
	functions = number(table)
)

// number links functions with their interfaces and gives them ordinals.
func number(table []*Interface) []*Function {
	var all []*Function
	for _, i := range table {
		for k := range i.Functions {
			i.Functions[k].Interface = i
			all = append(all, &i.Functions[k])
		}
	}
	slices.SortStableFunc(all, func(a, b *Function) int {
		v, w := a.Interface.Version, b.Interface.Version
		return cmp.Or(cmp.Compare(v.Major, w.Major), cmp.Compare(v.Minor, w.Minor))
	})
	for n, f := range all {
		f.Ordinal = n
	}
	return all
}

// group gives interfaces' functions their group.
func group(g Group, interfaces ...*Interface) []*Interface {
	for _, i := range interfaces {
		for k := range i.Functions {
			i.Functions[k].Group = cmp.Or(i.Functions[k].Group, g)
		}
	}
	return interfaces
}

// fn is a row of the table. Parameters are written "name type, name type", and
// out ends with "error" where the function can fail.
func fn(name, in, out, does string) Function {
	f := Function{Name: name, Does: does}
	results, fails := strings.CutSuffix(out, "error")
	f.Fails = fails
	f.In = params(name, in)
	f.Out = params(name, strings.TrimSuffix(strings.TrimSpace(results), ","))
	return f
}

func params(function, list string) []Param {
	var out []Param
	for _, p := range strings.Split(list, ",") {
		if p = strings.TrimSpace(p); p == "" {
			continue
		}
		name, kind, _ := strings.Cut(p, " ")
		t, ok := types[kind]
		if !ok {
			panic(fmt.Sprintf("spec: %s: parameter %q has the unknown type %q", function, name, kind))
		}
		out = append(out, Param{name, t})
	}
	return out
}
