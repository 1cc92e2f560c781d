package conformance

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/conformance/cell"
	"example.com/midplane/operators/onnx/onnxtest"
)

// profile returns the profile in force, "" for none.
func (o *Options) profile() Profile {
	if o.Profile == "" && len(o.ONNX)+len(o.Models) == 0 {
		return Smoke
	}
	return o.Profile
}

// cases returns the cases chosen, in order.
func (o *Options) cases(ctx context.Context) ([]testcase, error) {
	all, err := o.every(ctx)
	if err != nil {
		return nil, err
	}
	var kept []testcase
	for _, c := range all {
		if (o.Match == nil || o.Match.MatchString(c.id())) && (o.filter == nil || o.filter(c.id())) {
			kept = append(kept, c)
		}
	}
	if o.Shards > 0 {
		if o.Shard < 0 || o.Shard >= o.Shards {
			return nil, fmt.Errorf("conformance: shard %d of %d: it counts from 0", o.Shard, o.Shards)
		}
		var mine []testcase
		for i := o.Shard; i < len(kept); i += o.Shards {
			mine = append(mine, kept[i])
		}
		kept = mine
	}
	if len(kept) == 0 {
		return nil, errors.New("conformance: no case to run: name a profile, or folders of ONNX's backend tests or of models, and a pattern that matches some")
	}
	return kept, nil
}

// every returns the cases of the profile and of the folders.
func (o *Options) every(ctx context.Context) ([]testcase, error) {
	var all []testcase
	switch p := o.profile(); p {
	case "":
	case Smoke, Core, Full:
		all = append(all, profiles[p]()...)
	default:
		return nil, fmt.Errorf("conformance: no profile is called %q: %s, %s or %s", p, Smoke, Core, Full)
	}
	for _, dir := range o.ONNX {
		cases, err := onnxtest.Cases(dir)
		if err != nil {
			return nil, err
		}
		for _, c := range cases {
			all = append(all, officialCase{c})
		}
	}
	mined := make(map[string]bool)
	for _, dir := range o.Models {
		cases, err := modelCases(ctx, dir, o.profile(), mined)
		if err != nil {
			return nil, err
		}
		all = append(all, cases...)
	}
	return all, nil
}

// profiles are the cases of each profile.
var profiles = map[Profile]func() []testcase{
	Smoke: sync.OnceValue(func() []testcase { return casesOf(Smoke) }),
	Core:  sync.OnceValue(func() []testcase { return casesOf(Core) }),
	Full:  sync.OnceValue(func() []testcase { return casesOf(Full) }),
}

func casesOf(p Profile) []testcase {
	var all []testcase
	for _, c := range cell.All() {
		if in(p, c) {
			all = append(all, cellCase{c})
		}
	}
	return slices.Concat(all, laws(p), neighbours(), conditions(), devices(p), pools(p))
}

// in reports whether a cell belongs to a profile.
func in(p Profile, c cell.Cell) bool {
	main := mainType(c)
	switch p {
	case Smoke:
		return c.Newest() && main && (c.First() || c.Usual()) || c.Newest() && c.First() && c.Usual()
	case Core:
		return c.Newest() || main && c.Usual()
	}
	return true
}

// mainType reports whether the cell has the element type that says most of its
// operator: float32, or where that is none of its types, the first.
func mainType(c cell.Cell) bool {
	if c.DType == tensor.Float32 {
		return true
	}
	types := cell.Types(c.Operator, c.Version)
	for _, t := range types {
		if t == tensor.Float32 {
			return false
		}
	}
	return len(types) > 0 && c.DType == types[0]
}
