package conformance

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/conformance/result"
)

// SeedOf returns the seed that a tester's challenge fixes for the programs and
// libraries that are to be tried, whose contents are thereby fixed before the
// cases are known: the first eight bytes of a SHA-256 sum over the challenge and
// the sums of the files.
func SeedOf(challenge string, subject []result.File) uint64 {
	h := sha256.New()
	fmt.Fprintf(h, "%s\n", challenge)
	for _, f := range subject {
		fmt.Fprintf(h, "%s\n", f.SHA256)
	}
	return binary.BigEndian.Uint64(h.Sum(nil))
}

// writer begins the package, or takes it up.
func (r *runner) writer(cases []testcase) (*result.Writer, error) {
	if r.options.Dir == "" {
		return nil, nil
	}
	ids := make([]Result, len(cases))
	for i, c := range cases {
		ids[i].ID = c.id()
	}
	m := r.manifest(result.NewReport(ids), time.Time{})
	fingerprint, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	w, err := result.Create(r.options.Dir, result.Sum(fingerprint), r.options.Key)
	if err != nil {
		return nil, err
	}
	for i, done := range w.Done() {
		if i >= len(cases) || done.ID != cases[i].id() {
			return nil, fmt.Errorf("conformance: %s holds case %s where this run has another", r.options.Dir, done.ID)
		}
	}
	return w, nil
}

// manifest describes a run that ended at a time.
func (r *runner) manifest(report *Report, ended time.Time) *result.Manifest {
	o := r.options
	m := &result.Manifest{
		Format: result.Format, Suite: Version(), Created: ended,
		Device:  described(o, r.info, r.class.String()),
		Profile: string(o.profile()), ONNX: bases(o.ONNX), Models: bases(o.Models),
		Shard: o.Shard, Shards: o.Shards, Isolated: o.Isolate, Seed: o.Seed, Challenge: o.Challenge, Subject: o.Subject,
		Cases: len(report.Cases), CaseIDs: result.IDs(report.Cases), Summary: report.Summary, Scores: report.Scores,
		Grade: result.SelfDeclared,
	}
	if o.Match != nil {
		m.Match = o.Match.String()
	}
	return m
}

func described(o *Options, info driver.Info, class string) result.Device {
	framework := "midplane"
	if o.Framework != nil {
		framework = o.Framework.Name()
	}
	return result.Device{
		Framework: framework, Name: o.Name, Class: string(info.Class), Description: info.Description, Vendor: info.Vendor,
		Version: info.Version, Memory: info.Memory, Caps: info.Caps.Names(), Properties: info.Properties, Accuracy: class,
	}
}

func bases(dirs []string) []string {
	var names []string
	for _, d := range dirs {
		names = append(names, base(d))
	}
	return names
}

// base returns the last element of a folder's path, wherever it is named from.
func base(dir string) string {
	if abs, err := filepath.Abs(dir); err == nil {
		dir = abs
	}
	return filepath.Base(dir)
}

// Version returns the version of this module in the program.
func Version() string {
	const path = "example.com/midplane"
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	revision := ""
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" || s.Key == "vcs.modified" && s.Value == "true" {
			revision += " " + s.Value
		}
	}
	for _, m := range append(info.Deps, &info.Main) {
		if m.Path == path {
			return m.Version + revision
		}
	}
	return "unknown"
}

// environment describes the platform.
func environment() map[string]any {
	e := map[string]any{
		"os": runtime.GOOS, "arch": runtime.GOARCH, "go": runtime.Version(), "processors": runtime.NumCPU(),
		"threads": runtime.GOMAXPROCS(0), "host_memory_bytes": tensor.HostMemory(),
	}
	if model := processor(); model != "" {
		e["processor"] = model
	}
	return e
}

// processor returns the processor's model where /proc tells it.
func processor() string {
	f, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return ""
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if name, value, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
