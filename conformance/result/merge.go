package result

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// Merge joins the packages of all shards of a run into one in a folder, as if the
// run had not been split. It is an error if one is missing, or if they are not of
// the same run. The key signs what it makes; nil leaves it unsigned.
func Merge(dir string, shards []*Package, key ed25519.PrivateKey) error {
	ordered, err := order(shards)
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(dir, ManifestFile)); err == nil {
		return fmt.Errorf("%s holds a package already", dir)
	}
	m := ordered[0].Manifest
	m.Shard, m.Shards = 0, 0
	w, err := Create(dir, "merged", key)
	if err != nil {
		return err
	}
	results, err := interleave(w, ordered)
	if err != nil {
		return err
	}
	for _, p := range ordered {
		if p.Manifest.Created.After(m.Created) {
			m.Created = p.Manifest.Created
		}
		sum, err := HashFile(filepath.Join(p.Dir, ManifestFile))
		if err != nil {
			return err
		}
		m.Merged = append(m.Merged, sum.SHA256)
	}
	report := NewReport(Excused(results, ordered[0].Waivers, m.Created))
	m.Cases, m.CaseIDs, m.Summary, m.Scores = len(results), IDs(results), report.Summary, report.Scores
	return w.Close(&m, report, environments(ordered), ordered[0].Waivers)
}

// order sorts shards, of which each has to be there once.
func order(shards []*Package) ([]*Package, error) {
	if len(shards) == 0 {
		return nil, errors.New("no packages to merge")
	}
	n := shards[0].Manifest.Shards
	ordered := make([]*Package, n)
	for _, p := range shards {
		if why := alien(p, shards[0]); why != "" {
			return nil, fmt.Errorf("%s and %s are not of the same run: %s", shards[0].Dir, p.Dir, why)
		}
		i := p.Manifest.Shard
		switch {
		case n < 1 || i < 0 || i >= n:
			return nil, fmt.Errorf("%s is shard %d of %d, which is none", p.Dir, i, n)
		case ordered[i] != nil:
			return nil, fmt.Errorf("%s and %s are both shard %d", ordered[i].Dir, p.Dir, i)
		}
		ordered[i] = p
	}
	if i := slices.Index(ordered, nil); i >= 0 {
		return nil, fmt.Errorf("shard %d of %d is missing", i, n)
	}
	return ordered, nil
}

// alien says why two packages are not of the same run. Memory may differ among
// the machines of a cluster.
func alien(p, q *Package) string {
	plain := func(p *Package) Manifest {
		m := p.Manifest
		return Manifest{Format: m.Format, Suite: m.Suite, Device: m.Device, Profile: m.Profile, ONNX: m.ONNX, Models: m.Models, Match: m.Match,
			Shards: m.Shards, Isolated: m.Isolated, Seed: m.Seed, Challenge: m.Challenge, Subject: m.Subject, Grade: m.Grade}
	}
	a, b := plain(p), plain(q)
	a.Device.Memory, b.Device.Memory = 0, 0
	x, err1 := json.Marshal(a)
	y, err2 := json.Marshal(b)
	switch {
	case err1 != nil || err2 != nil || string(x) != string(y):
		return fmt.Sprintf("their manifests are %s and %s", y, x)
	case p.Platform() != q.Platform():
		return fmt.Sprintf("their platforms are %+v and %+v", q.Platform(), p.Platform())
	}
	x, err1 = json.Marshal(p.Waivers)
	y, err2 = json.Marshal(q.Waivers)
	if err1 != nil || err2 != nil || string(x) != string(y) {
		return "their waivers differ"
	}
	return ""
}

// interleave writes the results in the order of the cases: shard i of n has every
// n-th, from the i-th.
func interleave(w *Writer, shards []*Package) ([]Result, error) {
	outputs := make([][][][]byte, len(shards))
	for i, p := range shards {
		var err error
		if outputs[i], err = p.Outputs(); err != nil {
			return nil, err
		}
	}
	var all []Result
	total := 0
	for _, p := range shards {
		total += len(p.Results)
	}
	for k := range total {
		i, at := k%len(shards), k/len(shards)
		if at >= len(shards[i].Results) {
			return nil, fmt.Errorf("%s has %d results, fewer than its share of %d", shards[i].Dir, at, total)
		}
		r := shards[i].Results[at]
		if err := w.Put(&r, outputs[i][at]); err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, nil
}

// environments describes the platform, with that of every shard.
func environments(shards []*Package) map[string]any {
	e := make(map[string]any)
	_ = json.Unmarshal(shards[0].Environment, &e) // it was read before
	var all []json.RawMessage
	for _, p := range shards {
		all = append(all, p.Environment)
	}
	e["shards"] = all
	return e
}
