package result

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// The files of a package. Everything but the manifest and its signature is
// hashed in the manifest; the signature is over the manifest's bytes.
const (
	ManifestFile    = "manifest.json"
	SignatureFile   = "manifest.sig" // of ed25519, in hexadecimal; where the package is unsigned, the SHA-256 sum of the manifest
	CellsFile       = "cells.jsonl"  // one Result a line, in the order of the cases, as it is without waivers
	OutputsFile     = "outputs.bin"  // the outputs that cells.jsonl gives a size for, one behind the other, as package codec writes them
	EnvironmentFile = "environment.json"
	WaiversFile     = "waivers.json"
	ReportFile      = "report.json" // a Brief
	LogFile         = "log.txt"     // when the run was begun, taken up and ended
)

// hashed are the files that the manifest describes.
var hashed = []string{CellsFile, OutputsFile, EnvironmentFile, WaiversFile, ReportFile, LogFile}

// Format is the version of the package's form.
const Format = 1

// Manifest says what a package is about, and what is in it.
type Manifest struct {
	Format  int       `json:"format"`
	Suite   string    `json:"suite"` // the version of the program that ran the cases
	Created time.Time `json:"created"`
	Device  Device    `json:"device"`

	Profile   string   `json:"profile,omitempty"`
	ONNX      []string `json:"onnx,omitempty"`   // the names of the folders
	Models    []string `json:"models,omitempty"` // the names of the folders
	Match     string   `json:"match,omitempty"`
	Shard     int      `json:"shard"`
	Shards    int      `json:"shards"`           // 0: the cases were not split
	Merged    []string `json:"merged,omitempty"` // the SHA-256 sums of the manifests of the shards that it was merged from
	Isolated  bool     `json:"isolated"`
	Seed      uint64   `json:"seed"`
	Challenge string   `json:"challenge,omitempty"` // the seed follows from it and Subject
	Subject   []File   `json:"subject,omitempty"`   // the programs and libraries that were tried

	Cases   int     `json:"cases"`
	CaseIDs string  `json:"case_ids"` // a digest of the IDs, in order
	Summary Summary `json:"summary"`
	Scores  []Score `json:"scores"`
	Grade   string  `json:"grade"` // who answers for it: "self-declared", "witnessed", "laboratory"
	Key     string  `json:"key,omitempty"`
	Files   []File  `json:"files"`
}

// Device says what a score is of.
type Device struct {
	Framework   string            `json:"framework"` // the front end through which the device was reached
	Name        string            `json:"name,omitempty"`
	Class       string            `json:"class"`
	Description string            `json:"description"`
	Vendor      string            `json:"vendor"`
	Version     string            `json:"version"`
	Memory      int64             `json:"memory_bytes"`
	Caps        []string          `json:"capabilities"`
	Properties  map[string]string `json:"properties,omitempty"`
	Accuracy    string            `json:"accuracy"` // the class declared
}

// File is a file by its contents.
type File struct {
	Name   string `json:"name"`
	SHA256 string `json:"sha256"`
	Size   int64  `json:"size"`
}

// HashFile returns a file by its contents.
func HashFile(name string) (File, error) {
	f, err := os.Open(name)
	if err != nil {
		return File{}, err
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.Copy(h, f)
	return File{filepath.Base(name), hex.EncodeToString(h.Sum(nil)), n}, err
}

// Sum returns the SHA-256 sum of bytes, in hexadecimal.
func Sum(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// IDs returns a digest of the results' IDs in order.
func IDs(results []Result) string {
	h := sha256.New()
	for _, r := range results {
		io.WriteString(h, r.ID+"\n")
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Writer writes a package as results come in. A package that was left unfinished
// is taken up where it ends.
type Writer struct {
	dir     string
	key     ed25519.PrivateKey
	done    []Result
	cells   *os.File
	outputs *os.File
	stored  int64
}

// Create begins a package in a folder, or takes up one that was begun there with
// the same parameters, of which fingerprint is a digest. The key signs it; nil
// leaves it unsigned.
func Create(dir, fingerprint string, key ed25519.PrivateKey) (*Writer, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	w := &Writer{dir: dir, key: key}
	const begun = "unfinished"
	marker := filepath.Join(dir, begun)
	if old, err := os.ReadFile(marker); err == nil && string(old) == fingerprint {
		if err := w.resume(); err != nil {
			return nil, err
		}
	} else {
		if err := clear(dir); err != nil {
			return nil, err
		}
		if err := os.WriteFile(marker, []byte(fingerprint), 0o644); err != nil {
			return nil, err
		}
	}
	var err error
	if w.cells, err = os.OpenFile(w.path(CellsFile), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644); err != nil {
		return nil, err
	}
	if w.outputs, err = os.OpenFile(w.path(OutputsFile), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644); err != nil {
		return nil, err
	}
	return w, w.log("begun, with %d results from before", len(w.done))
}

// clear removes what another package left in a folder.
func clear(dir string) error {
	names, err := filepath.Glob(filepath.Join(dir, statementPrefix+"*"))
	if err != nil {
		return err
	}
	for _, name := range append([]string{ManifestFile, SignatureFile}, hashed...) {
		names = append(names, filepath.Join(dir, name))
	}
	for _, name := range names {
		if err := os.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

// log adds a line to the package's log.
func (w *Writer) log(format string, args ...any) error {
	f, err := os.OpenFile(w.path(LogFile), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(f, "%s %s\n", time.Now().UTC().Format(time.RFC3339), fmt.Sprintf(format, args...))
	return errors.Join(err, f.Close())
}

func (w *Writer) path(name string) string { return filepath.Join(w.dir, name) }

// resume reads the results that are complete and cuts off what is not.
func (w *Writer) resume() error {
	b, err := os.ReadFile(w.path(CellsFile))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	size, err := os.Stat(w.path(OutputsFile))
	if err != nil {
		return err
	}
	end := 0
	for rest := b; ; {
		line, after, whole := bytes.Cut(rest, []byte("\n"))
		var r Result
		if !whole || json.Unmarshal(line, &r) != nil || w.stored+r.stored() > size.Size() {
			break
		}
		w.done = append(w.done, r)
		w.stored += r.stored()
		end += len(line) + 1
		rest = after
	}
	return errors.Join(os.Truncate(w.path(CellsFile), int64(end)), os.Truncate(w.path(OutputsFile), w.stored))
}

// stored returns how many bytes of outputs belong to a result.
func (r Result) stored() int64 {
	n := int64(0)
	for _, s := range r.Sets() {
		n += s.Size
	}
	return n
}

// Done returns the results that were there when the package was taken up.
func (w *Writer) Done() []Result { return w.done }

// Put writes a result, with the encoded outputs of each of its sets, nil for
// those that are not to be stored.
func (w *Writer) Put(r *Result, outputs [][]byte) error {
	sets := r.Sets()
	for i, b := range outputs {
		sets[i].Size = int64(len(b))
		if _, err := w.outputs.Write(b); err != nil {
			return err
		}
	}
	line, err := json.Marshal(r)
	if err != nil {
		return err
	}
	_, err = w.cells.Write(append(line, '\n'))
	return err
}

// Close writes the manifest and what goes with it, and signs it.
func (w *Writer) Close(m *Manifest, report *Report, environment any, waivers []Waiver) error {
	if err := errors.Join(w.cells.Close(), w.outputs.Close(), w.log("ended: %v", report.Summary)); err != nil {
		return err
	}
	if waivers == nil {
		waivers = []Waiver{}
	}
	for name, v := range map[string]any{EnvironmentFile: environment, WaiversFile: waivers, ReportFile: report.Brief()} {
		if err := writeJSON(w.path(name), v); err != nil {
			return err
		}
	}
	if err := Seal(w.dir, m, w.key); err != nil {
		return err
	}
	return os.Remove(w.path("unfinished"))
}

// Seal hashes the files of a package into its manifest, writes that and signs
// it.
func Seal(dir string, m *Manifest, key ed25519.PrivateKey) error {
	m.Files = nil
	for _, name := range hashed {
		f, err := HashFile(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		m.Files = append(m.Files, f)
	}
	m.Key = ""
	if key != nil {
		m.Key = hex.EncodeToString(key.Public().(ed25519.PublicKey))
	}
	if err := writeJSON(filepath.Join(dir, ManifestFile), m); err != nil {
		return err
	}
	b, err := os.ReadFile(filepath.Join(dir, ManifestFile))
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, SignatureFile), []byte(signature(b, key)), 0o644)
}

// signature returns what the signature's file holds for a manifest.
func signature(manifest []byte, key ed25519.PrivateKey) string {
	if key == nil {
		return unsigned + Sum(manifest) + "\n"
	}
	return hex.EncodeToString(ed25519.Sign(key, manifest)) + "\n"
}

// unsigned begins the signature's file where there is no key.
const unsigned = "unsigned "

func writeJSON(file string, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(b, '\n'), 0o644)
}

// Package is a package that was read, whose hashes and signature are right.
type Package struct {
	Dir         string
	Manifest    Manifest
	Signed      bool
	Results     []Result // as they are without waivers
	Waivers     []Waiver
	Environment json.RawMessage
}

// Read reads a package. An error says which file is not what the manifest says,
// or that the signature is not the key's.
func Read(dir string) (*Package, error) {
	p := &Package{Dir: dir}
	b, err := os.ReadFile(filepath.Join(dir, ManifestFile))
	if err != nil {
		return nil, fmt.Errorf("%s is no complete package: %w", dir, err)
	}
	strict := json.NewDecoder(bytes.NewReader(b))
	strict.DisallowUnknownFields()
	if err := strict.Decode(&p.Manifest); err != nil {
		return nil, fmt.Errorf("%s: %w", ManifestFile, err)
	}
	if p.Manifest.Format != Format {
		return nil, fmt.Errorf("%s: format %d, where this program reads %d", ManifestFile, p.Manifest.Format, Format)
	}
	if err := p.checkSignature(b); err != nil {
		return nil, err
	}
	if err := p.hashes(); err != nil {
		return nil, err
	}
	return p, p.contents()
}

// checkSignature checks that the manifest was signed by the key in it, or where it
// names none, that it is unchanged.
func (p *Package) checkSignature(manifest []byte) error {
	text, err := os.ReadFile(filepath.Join(p.Dir, SignatureFile))
	if err != nil {
		return err
	}
	if p.Manifest.Key == "" {
		if string(text) != signature(manifest, nil) {
			return fmt.Errorf("%s is not what %s was sealed with, which names no key", SignatureFile, ManifestFile)
		}
		return nil
	}
	if !signed(manifest, string(text), p.Manifest.Key) {
		return fmt.Errorf("%s is not the signature of %s by the key %q in it", SignatureFile, ManifestFile, p.Manifest.Key)
	}
	p.Signed = true
	return nil
}

// signed reports whether a signature's file is that of a key, in hexadecimal, for
// a text. There is one way to write it.
func signed(text []byte, file, key string) bool {
	sig, err := hex.DecodeString(strings.TrimSuffix(file, "\n"))
	public, wrong := hex.DecodeString(key)
	return err == nil && wrong == nil && hex.EncodeToString(sig)+"\n" == file &&
		len(public) == ed25519.PublicKeySize && ed25519.Verify(public, text, sig)
}

func (p *Package) hashes() error {
	var names []string
	for _, want := range p.Manifest.Files {
		got, err := HashFile(filepath.Join(p.Dir, filepath.Base(want.Name)))
		if err != nil {
			return err
		}
		if got != want {
			return fmt.Errorf("%s is not the file that the manifest describes: its SHA-256 sum is %s, not %s", want.Name, got.SHA256, want.SHA256)
		}
		names = append(names, want.Name)
	}
	for _, name := range hashed {
		if !slices.Contains(names, name) {
			return fmt.Errorf("the manifest does not describe %s", name)
		}
	}
	return nil
}

func (p *Package) contents() error {
	b, err := os.ReadFile(filepath.Join(p.Dir, CellsFile))
	if err != nil {
		return err
	}
	lines := bufio.NewScanner(bytes.NewReader(b))
	lines.Buffer(nil, 1<<26)
	for n := 1; lines.Scan(); n++ {
		var r Result
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			return fmt.Errorf("%s:%d: %w", CellsFile, n, err)
		}
		p.Results = append(p.Results, r)
	}
	if p.Waivers, err = ReadWaivers(filepath.Join(p.Dir, WaiversFile)); err != nil {
		return err
	}
	p.Environment, err = os.ReadFile(filepath.Join(p.Dir, EnvironmentFile))
	return errors.Join(err, lines.Err())
}

// Brief reads the short form of the report.
func (p *Package) Brief() (Brief, error) {
	var b Brief
	text, err := os.ReadFile(filepath.Join(p.Dir, ReportFile))
	if err == nil {
		err = json.Unmarshal(text, &b)
	}
	return b, err
}

// Platform is what [Package.Environment] says of where the cases were run.
type Platform struct {
	OS        string `json:"os"`
	Arch      string `json:"arch"`
	Processor string `json:"processor"`
}

// Platform reads the environment.
func (p *Package) Platform() Platform {
	var e Platform
	_ = json.Unmarshal(p.Environment, &e) // what it lacks is empty
	return e
}

// Outputs returns the stored outputs of every result, in order: for each of its
// sets the bytes, nil where only a digest is kept.
func (p *Package) Outputs() ([][][]byte, error) {
	b, err := os.ReadFile(filepath.Join(p.Dir, OutputsFile))
	if err != nil {
		return nil, err
	}
	all := make([][][]byte, len(p.Results))
	for i, r := range p.Results {
		for _, s := range r.Sets() {
			if s.Size < 0 || s.Size > int64(len(b)) {
				return nil, fmt.Errorf("%s ends before the outputs of %s", OutputsFile, r.ID)
			}
			var stored []byte
			if s.Size > 0 {
				stored, b = b[:s.Size], b[s.Size:]
			}
			all[i] = append(all[i], stored)
		}
	}
	if len(b) > 0 {
		return nil, fmt.Errorf("%s has %d bytes that belong to no result", OutputsFile, len(b))
	}
	return all, nil
}

// Report returns the report that the results and the waivers make.
func (p *Package) Report() *Report {
	r := NewReport(Excused(p.Results, p.Waivers, p.Manifest.Created))
	r.About = &p.Manifest
	r.Flags = Flags(r.Cases, &p.Manifest)
	return r
}

// NewReport counts results.
func NewReport(results []Result) *Report {
	report := &Report{}
	for _, r := range results {
		report.Add(r)
	}
	report.Scores = Groups(results, Group)
	return report
}
