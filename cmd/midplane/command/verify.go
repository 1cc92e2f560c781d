package command

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"example.com/midplane/conformance"
	"example.com/midplane/conformance/report"
	"example.com/midplane/conformance/result"
)

// verifyFlags say how a package is judged again, and whom the reader knows.
type verifyFlags struct {
	options                 conformance.VerifyOptions
	device, key, framework  string
	subject                 []string
	laboratories, witnesses []string
	asJSON                  bool
}

func (f *verifyFlags) register(c *cobra.Command) {
	s := c.Flags()
	s.StringArrayVar(&f.options.ONNX, "onnx", nil, "a `DIR` of ONNX test folders that the package has cases of; may be repeated")
	s.StringArrayVar(&f.options.Models, "models", nil, "a `DIR` of models that the package has cases of; may be repeated")
	s.IntVar(&f.options.Workers, "workers", 0, "cases side by side (0: one per processor)")
	s.StringArrayVar(&f.laboratories, "laboratory", nil, "a `FILE` with the public key (PEM) of a laboratory that you trust; may be repeated")
	s.StringArrayVar(&f.witnesses, "witness", nil, "a `FILE` with the public key (PEM) of a witness whom you trust; may be repeated")
	s.BoolVar(&f.asJSON, "json", false, "print JSON")
}

func verifyCommand() *cobra.Command {
	f := &verifyFlags{}
	c := &cobra.Command{
		Use:   "verify DIR",
		Short: "Judge every verdict of a package again, and run cases again",
		Long: `Judge every verdict of a package again: problems are drawn again from the seed, the
oracle computes again what is expected, and every verdict has to follow from the
outputs in the package, and every score from the verdicts. No device is needed.

With --replay, cases that nobody could know before are run again on --device; with
--key, a witness signs that they had the verdicts that are in the package.
The exit status is 1 if the package is refused.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			p, err := readPackage(args[0])
			if err != nil {
				return refused(c, err)
			}
			return f.verify(c, p)
		},
	}
	f.register(c)
	s := c.Flags()
	s.IntVar(&f.options.Replay, "replay", 0, "how many cases to run again")
	s.StringVar(&f.device, "device", "", "the device to run them on")
	s.StringVar(&f.framework, "framework", "midplane", "the front end to run them through: `midplane`, or onnx-go where it is linked in")
	s.StringArrayVar(&f.subject, "subject", nil, "a `FILE` that they are run with, besides this program; may be repeated")
	s.DurationVar(&f.options.Limit, "limit", time.Minute, "the longest that a case may take")
	s.BoolVar(&f.options.Isolate, "isolate", false, "run them in child processes, which may crash or hang")
	s.StringVar(&f.key, "key", "", "a `FILE` with the private key (PEM, PKCS #8) of a witness, who signs what was seen")
	return c
}

// verified is the outcome for machines.
type verified struct {
	*conformance.Verification
	Grade      string             `json:"grade"`
	Statements []result.Statement `json:"statements"`
	Summary    result.Summary     `json:"summary"`
}

func (f *verifyFlags) verify(c *cobra.Command, p *result.Package) error {
	subject, err := f.replay()
	if err != nil {
		return err
	}
	v, err := f.judge(c, p)
	if err != nil {
		return err
	}
	for _, file := range p.Manifest.Subject {
		if f.options.Replay > 0 && !slices.ContainsFunc(subject, func(s result.File) bool { return s.SHA256 == file.SHA256 }) {
			v.Notes = append(v.Notes, fmt.Sprintf("replayed without %s of SHA-256 sum %s, which the package is about", file.Name, file.SHA256))
		}
	}
	if f.key != "" && len(v.Problems) == 0 {
		if err := f.sign(p, v.Verification, subject); err != nil {
			return err
		}
		if v.Statements, v.Grade, err = f.grade(p); err != nil {
			return err
		}
	}
	if f.asJSON {
		err = printJSON(c.OutOrStdout(), v)
	} else {
		err = v.print(c, p)
	}
	if err == nil && len(v.Problems) > 0 {
		return errShort
	}
	return err
}

// replay prepares the device of a replay, and returns what it is run with.
func (f *verifyFlags) replay() ([]result.File, error) {
	switch {
	case f.options.Replay < 0:
		return nil, fmt.Errorf("--replay %d: it cannot be negative", f.options.Replay)
	case f.options.Replay == 0 && f.key != "":
		return nil, errors.New("--key signs that cases were run again: it needs --replay and --device")
	case f.options.Replay == 0:
		return nil, nil
	case f.device == "":
		return nil, errors.New("--replay needs the --device to run cases on")
	}
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	if f.options.Framework, err = parseFramework(f.framework); err != nil {
		return nil, err
	}
	f.options.Open, f.options.Child = opener(f.device), childOf(program, f.device, f.framework)
	return hashSubject(program, f.device, f.subject)
}

// judge judges a package again.
func (f *verifyFlags) judge(c *cobra.Command, p *result.Package) (*verified, error) {
	f.options.Progress = progress(c.ErrOrStderr())
	v, err := conformance.Verify(c.Context(), p, &f.options)
	if err != nil {
		return nil, err
	}
	w := &verified{Verification: v, Summary: p.Report().Summary}
	if w.Statements, w.Grade, err = f.grade(p); err != nil {
		v.Problems = append(v.Problems, err.Error())
	}
	return w, nil
}

// grade reads the statements of witnesses, and returns the package's grade for
// who trusts the keys that the flags name.
func (f *verifyFlags) grade(p *result.Package) ([]result.Statement, string, error) {
	laboratories, err := publicKeys(f.laboratories)
	if err != nil {
		return nil, "", err
	}
	witnesses, err := publicKeys(f.witnesses)
	if err != nil {
		return nil, "", err
	}
	statements, err := p.Statements()
	if statements == nil {
		statements = []result.Statement{}
	}
	return statements, p.Grade(statements, laboratories, witnesses), err
}

// sign adds a witness's statement to a package.
func (f *verifyFlags) sign(p *result.Package, v *conformance.Verification, subject []result.File) error {
	key, err := readKey(f.key)
	if err != nil {
		return err
	}
	return p.Witness(result.Statement{Suite: conformance.Version(), Created: time.Now().UTC().Truncate(time.Second), Judged: v.Judged, Unjudged: v.Unjudged,
		Choice: v.Choice, Replayed: v.Replayed, Subject: subject, Notes: v.Notes}, key)
}

func (v *verified) print(c *cobra.Command, p *result.Package) error {
	w := c.OutOrStdout()
	for _, problem := range v.Problems {
		fmt.Fprintf(w, "refused: %s\n", problem)
	}
	for _, note := range v.Notes {
		fmt.Fprintf(w, "note: %s\n", note)
	}
	signer := "unsigned"
	if p.Signed {
		signer = "signed by " + p.Manifest.Key
	}
	fmt.Fprintf(w, "%s, %s\n", report.Subject(&p.Manifest), signer)
	fmt.Fprintf(w, "%d verdicts follow again from what the package holds, %d only a device can show\n", v.Judged, v.Unjudged)
	if v.Replayed > 0 {
		fmt.Fprintf(w, "%d cases were run again, as %d fell: %d with the same verdict, %d with the same bits\n", v.Replayed, v.Choice, v.Same, v.SameBits)
	}
	for _, s := range v.Statements {
		fmt.Fprintf(w, "%s says: %d verdicts followed, %d cases were run again with the same verdict\n", s.Key, s.Judged, s.Replayed)
	}
	if len(v.Problems) > 0 {
		_, err := fmt.Fprintln(w, "REFUSED")
		return err
	}
	fmt.Fprintf(w, "grade: %s\n", v.Grade)
	_, err := fmt.Fprintln(w, v.Summary)
	return err
}

// publicKeys reads ed25519 public keys, and returns them in hexadecimal.
func publicKeys(files []string) ([]string, error) {
	var keys []string
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		block, _ := pem.Decode(b)
		if block == nil {
			return nil, fmt.Errorf("%s: no PEM block; of a private key it is made by: openssl pkey -in KEY -pubout", file)
		}
		key, err := x509.ParsePKIXPublicKey(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		public, ok := key.(ed25519.PublicKey)
		if !ok {
			return nil, fmt.Errorf("%s: a %T, which is no ed25519 key", file, key)
		}
		keys = append(keys, hex.EncodeToString(public))
	}
	return keys, nil
}

func checkCommand() *cobra.Command {
	f := &verifyFlags{}
	file, unverified := "", false
	c := &cobra.Command{
		Use:   "check DIR --require FILE",
		Short: "Hold a package against what is required of it",
		Long: `Hold a package against an acceptance file. Its verdicts are judged again first, as
report verify does, unless --unverified says that this was done.
The exit status is 1 if the package is refused or lacks anything.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			acceptance, err := report.ReadAcceptance(file)
			if err != nil {
				return err
			}
			p, err := readPackage(args[0])
			if err != nil {
				return refused(c, err)
			}
			return f.check(c, p, acceptance, unverified)
		},
	}
	f.register(c)
	c.Flags().StringVar(&file, "require", "", "the `FILE` that says what is required")
	c.Flags().BoolVar(&unverified, "unverified", false, "take the verdicts as they are")
	_ = c.MarkFlagRequired("require") // it exists
	return c
}

func (f *verifyFlags) check(c *cobra.Command, p *result.Package, a *report.Acceptance, unverified bool) error {
	v := &verified{Verification: &conformance.Verification{}}
	var err error
	if unverified {
		v.Statements, v.Grade, err = f.grade(p)
	} else {
		v, err = f.judge(c, p)
	}
	if err != nil {
		return err
	}
	unmet := a.Unmet(p, v.Grade)
	if f.asJSON {
		err = printJSON(c.OutOrStdout(), map[string]any{"accepted": len(unmet)+len(v.Problems) == 0, "grade": v.Grade, "unmet": append([]string{}, unmet...), "problems": append([]string{}, v.Problems...)})
	} else {
		err = printUnmet(c, v, unmet)
	}
	if err == nil && len(unmet)+len(v.Problems) > 0 {
		return errShort
	}
	return err
}

func printUnmet(c *cobra.Command, v *verified, unmet []string) error {
	w := c.OutOrStdout()
	for _, problem := range v.Problems {
		fmt.Fprintf(w, "refused: %s\n", problem)
	}
	for _, u := range unmet {
		fmt.Fprintf(w, "not met: %s\n", u)
	}
	if len(unmet)+len(v.Problems) > 0 {
		_, err := fmt.Fprintln(w, "NOT ACCEPTED")
		return err
	}
	_, err := fmt.Fprintf(w, "accepted, grade %s\n", v.Grade)
	return err
}
