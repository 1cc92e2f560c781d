package command

import (
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/driver"
	"example.com/midplane/conformance"
	"example.com/midplane/conformance/report"
	"example.com/midplane/conformance/result"
)

// conformFlags are the flags that are no fields of conformance.Options.
type conformFlags struct {
	device, profile, match, shard, key, waivers, format, framework string
	subject                                                        []string
	asJSON                                                         bool
}

func conformCommand() *cobra.Command {
	f := &conformFlags{}
	o := &conformance.Options{}
	c := &cobra.Command{
		Use:   "conform",
		Short: "Score a device: every use of every operator, laws, ONNX's backend tests",
		Long: `Score a device.

Without --onnx the cells of a profile are run: uses of operators,
drawn from a seed and held against the reference within bounds that follow from
element type and length. ONNX's backend tests are judged by ONNX's own rule: shape
and type equal, numbers within rtol 1e-3 and atol 1e-7, NaN equal to NaN.

Each case runs on the device alone; nothing falls back, and what the device lacks
stays in the denominator. The exit status is 1 if any case failed.

With --out everything is kept in a package of files, which --key signs. A run that
was interrupted goes on where it ended. In a Kubernetes Indexed Job, --shard /N
takes the shard from JOB_COMPLETION_INDEX.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := f.complete(o); err != nil {
				return err
			}
			if _, err := conformance.Describe(c.Context(), opener(f.device), o); err != nil {
				return err // which is no score of the device
			}
			o.Progress = progress(c.ErrOrStderr())
			scored, err := conformance.Score(c.Context(), opener(f.device), o)
			if errors.Is(err, context.Canceled) && o.Dir != "" {
				return fmt.Errorf("interrupted: the same command goes on where it ended (%w)", err)
			}
			if err != nil {
				return err
			}
			return printReport(c, scored, f.format, f.asJSON)
		},
	}
	f.register(c, o)
	c.AddCommand(childCommand())
	return c
}

func (f *conformFlags) register(c *cobra.Command, o *conformance.Options) {
	s := c.Flags()
	s.StringVar(&f.device, "device", "cpu", "the device to score")
	s.StringVar(&f.framework, "framework", "midplane", "the front end to score with it: `midplane`, or onnx-go where it is linked in")
	s.StringVar(&f.profile, "profile", "", "the cells to run: `smoke`, core or full (default: smoke, or none with --onnx or --models)")
	s.StringArrayVar(&o.ONNX, "onnx", nil, "a `DIR` of ONNX test folders, or of flat X.onnx with X_output_0.pb; may be repeated")
	s.StringArrayVar(&o.Models, "models", nil, "a `DIR` of models in ONNX's test layout, run as they are and node by node; may be repeated")
	s.StringVar(&f.match, "run", "", "only the cases whose ID matches `REGEX`")
	s.StringVar(&f.shard, "shard", "", "only the i-th of n parts: `i/n`, from 0; i may be left to JOB_COMPLETION_INDEX")
	s.IntVar(&o.Workers, "workers", 0, "cases side by side (0: one per processor)")
	s.Uint64Var(&o.Seed, "seed", 1, "what everything random is drawn from")
	s.StringVar(&o.Challenge, "challenge", "", "a tester's `TEXT`, from which and from the subject's contents the seed follows")
	s.StringArrayVar(&f.subject, "subject", nil, "a `FILE` that is tried, besides this program: a vendor's library; may be repeated")
	s.DurationVar(&o.Limit, "limit", time.Minute, "the longest that a case may take")
	s.BoolVar(&o.Isolate, "isolate", false, "run cases in child processes, which may crash or hang")
	s.StringVar(&f.waivers, "waivers", "", "a `FILE` with failures that are excused until a day")
	s.StringVar(&f.key, "key", "", "a `FILE` with the ed25519 private key (PEM, PKCS #8) that signs the package")
	s.StringVar(&o.Dir, "out", "", "keep a package of everything in `DIR`")
	s.StringVar(&f.format, "format", "text", "print `text`, markdown or junit")
	s.BoolVar(&f.asJSON, "json", false, "print JSON")
}

// complete turns flags into options.
func (f *conformFlags) complete(o *conformance.Options) (err error) {
	o.Profile, o.Name = conformance.Profile(f.profile), f.device
	if f.match != "" {
		if o.Match, err = regexp.Compile(f.match); err != nil {
			return fmt.Errorf("--run: %w", err)
		}
	}
	if o.Shard, o.Shards, err = parseShard(f.shard); err != nil {
		return err
	}
	if f.waivers != "" {
		if o.Waivers, err = result.ReadWaivers(f.waivers); err != nil {
			return err
		}
	}
	if o.Framework, err = parseFramework(f.framework); err != nil {
		return err
	}
	if o.Key, err = optionalKey(f.key); err != nil {
		return err
	}
	if !slices.Contains(report.Formats, f.format) {
		return fmt.Errorf("--format %q: it is one of %s", f.format, strings.Join(report.Formats, ", "))
	}
	program, err := os.Executable()
	if err != nil {
		return err
	}
	if o.Isolate {
		o.Child = childOf(program, f.device, f.framework)
	}
	if o.Dir == "" && o.Challenge == "" {
		return nil
	}
	return f.hash(o, program)
}

// hash notes the contents of what is tried, and draws the seed from them where
// there is a challenge.
func (f *conformFlags) hash(o *conformance.Options, program string) (err error) {
	if o.Subject, err = hashSubject(program, f.device, f.subject); err != nil {
		return err
	}
	if o.Challenge != "" {
		o.Seed = conformance.SeedOf(o.Challenge, o.Subject)
	}
	return nil
}

// hashSubject returns what is tried by its contents: this program, plug-ins, and
// what the user names.
func hashSubject(program, device string, more []string) ([]result.File, error) {
	files := append([]string{program}, more...)
	if path, ok := strings.CutPrefix(device, "plugin:"); ok {
		path, _, _ = strings.Cut(path, "#")
		files = append(files, path)
	}
	var subject []result.File
	for _, name := range files {
		file, err := result.HashFile(name)
		if err != nil {
			return nil, err
		}
		subject = append(subject, file)
	}
	return subject, nil
}

// childOf is the command of a process that cases run in with --isolate.
func childOf(program, device, framework string) []string {
	return []string{program, "conform", "child", device, framework}
}

// childCommand is what a case runs in with --isolate.
func childCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "child DEVICE FRAMEWORK",
		Hidden: true,
		Args:   cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			framework, err := parseFramework(args[1])
			if err != nil {
				return err
			}
			return conformance.Serve(c.Context(), opener(args[0]), framework)
		},
	}
}

// readKey reads an ed25519 private key.
func readKey(file string) (ed25519.PrivateKey, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(b)
	if block == nil {
		return nil, fmt.Errorf("%s: no PEM block; a key is made by: openssl genpkey -algorithm ed25519 -out %s", file, file)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	private, ok := key.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("%s: a %T, which is no ed25519 key", file, key)
	}
	return private, nil
}

// opener opens a named device anew for each case, strictly: a score is of what
// the device runs by itself.
func opener(name string) conformance.Open {
	return func(ctx context.Context) (driver.Device, error) {
		return adapter.OpenDriver(ctx, name, &adapter.Options{Strict: true})
	}
}

// shardVariable is where Kubernetes tells a pod of an Indexed Job its number.
const shardVariable = "JOB_COMPLETION_INDEX"

// parseShard reads "i/n", or "/n" with the number in the environment.
func parseShard(s string) (shard, shards int, err error) {
	if s == "" {
		return 0, 0, nil
	}
	i, n, found := strings.Cut(s, "/")
	if i == "" {
		i = os.Getenv(shardVariable)
	}
	shard, err1 := strconv.Atoi(i)
	shards, err2 := strconv.Atoi(n)
	if !found || err1 != nil || err2 != nil || shard < 0 || shard >= shards {
		return 0, 0, fmt.Errorf("--shard %q: it is i/n with 0 <= i < n, or /n with i in %s", s, shardVariable)
	}
	return shard, shards, nil
}

// printReport writes a report; a failure makes the command fall short.
func printReport(c *cobra.Command, scored *conformance.Report, format string, asJSON bool) error {
	w := c.OutOrStdout()
	if asJSON {
		if err := printJSON(w, scored.Brief()); err != nil {
			return err
		}
	} else if err := report.Write(w, format, scored); err != nil {
		return err
	}
	if scored.Summary.Failed+scored.Summary.Faults > 0 {
		return errShort
	}
	return nil
}
