package result

import (
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// The grades of a package: who answers for it. docs/trust.md says what each is
// worth.
const (
	SelfDeclared = "self-declared" // whoever made it
	Witnessed    = "witnessed"     // also someone whom the reader knows, who replayed cases on the device
	Laboratory   = "laboratory"    // someone whom the reader knows ran all of it
)

// Statement is what a witness says of a package.
type Statement struct {
	Manifest string    `json:"manifest"` // the SHA-256 sum of the package's manifest
	Suite    string    `json:"suite"`    // the version of the program that judged it
	Created  time.Time `json:"created"`
	Judged   int       `json:"judged"`   // verdicts that follow from what the package holds
	Unjudged int       `json:"unjudged"` // those that do not, as only a device shows them
	Choice   uint64    `json:"choice"`   // from which the replayed cases were chosen
	Replayed int       `json:"replayed"` // with the verdict that is in the package
	Subject  []File    `json:"subject"`  // what was replayed with
	Notes    []string  `json:"notes"`
	Key      string    `json:"key"` // of the witness
}

const (
	statementPrefix = "witness-"
	signatureSuffix = ".sig"
)

// Witness signs a statement and puts it beside the package.
func (p *Package) Witness(s Statement, key ed25519.PrivateKey) error {
	sum, err := HashFile(filepath.Join(p.Dir, ManifestFile))
	if err != nil {
		return err
	}
	s.Manifest, s.Key = sum.SHA256, hex.EncodeToString(key.Public().(ed25519.PublicKey))
	if s.Key == p.Manifest.Key {
		return errors.New("the key is that of the package's maker, who cannot be a witness")
	}
	file := filepath.Join(p.Dir, statementPrefix+s.Key[:16]+".json")
	if err := writeJSON(file, s); err != nil {
		return err
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	return os.WriteFile(file+signatureSuffix, []byte(signature(b, key)), 0o644)
}

// Statements reads what witnesses say of the package. A statement of another
// package, or one that its key did not sign, is an error.
func (p *Package) Statements() ([]Statement, error) {
	files, err := filepath.Glob(filepath.Join(p.Dir, statementPrefix+"*.json"))
	if err != nil || len(files) == 0 {
		return nil, err
	}
	sum, err := HashFile(filepath.Join(p.Dir, ManifestFile))
	if err != nil {
		return nil, err
	}
	var list []Statement
	for _, file := range files {
		name := filepath.Base(file)
		b, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		sig, err := os.ReadFile(file + signatureSuffix)
		if err != nil {
			return nil, err
		}
		var s Statement
		if err := json.Unmarshal(b, &s); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if !signed(b, string(sig), s.Key) {
			return nil, fmt.Errorf("%s was not signed by the key %q in it", name, s.Key)
		}
		if s.Manifest != sum.SHA256 {
			return nil, fmt.Errorf("%s is about another package", name)
		}
		list = append(list, s)
	}
	return list, nil
}

// Grade returns the package's grade for a reader who knows the keys, in
// hexadecimal, of laboratories and of witnesses. A witness's word counts if cases
// were replayed, and if the seed follows from a challenge, so that the maker
// could not choose it.
func (p *Package) Grade(statements []Statement, laboratories, witnesses []string) string {
	if p.Signed && slices.Contains(laboratories, p.Manifest.Key) {
		return Laboratory
	}
	for _, s := range statements {
		if s.Replayed > 0 && p.Manifest.Challenge != "" && s.Key != p.Manifest.Key && slices.Contains(witnesses, s.Key) {
			return Witnessed
		}
	}
	return SelfDeclared
}
