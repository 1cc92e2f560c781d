package command

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"example.com/midplane/conformance/report"
	"example.com/midplane/conformance/result"
)

func reportCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "report",
		Short: "Show, verify and compare packages of results",
		Long: `Show, verify and compare the packages that conform --out makes.

Every verb first checks the hashes and the signature of a package. Its maker can
sign whatever he likes: verify judges every verdict again, and can run cases again.`,
	}
	c.AddCommand(showCommand(), verifyCommand(), diffCommand(), mergeCommand(), compareCommand(), checkCommand())
	return c
}

// refusal is a package that is not what it says it is.
type refusal struct{ error }

func (r refusal) Unwrap() error { return r.error }

// readPackage reads a package. One that is there, and is not what its manifest
// says, is refused.
func readPackage(dir string) (*result.Package, error) {
	p, err := result.Read(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !exists(dir, result.ManifestFile):
		return nil, err
	case err != nil:
		return nil, refusal{fmt.Errorf("%s is refused: %w", dir, err)}
	}
	return p, nil
}

func exists(dir, name string) bool {
	_, err := fs.Stat(os.DirFS(dir), name)
	return err == nil
}

// refused prints why a package is refused, which makes a command fall short.
func refused(c *cobra.Command, err error) error {
	if r := (refusal{}); errors.As(err, &r) {
		fmt.Fprintln(c.OutOrStdout(), r.Error())
		return errShort
	}
	return err
}

func readPackages(dirs []string) ([]*result.Package, error) {
	var all []*result.Package
	for _, dir := range dirs {
		p, err := readPackage(dir)
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}

func showCommand() *cobra.Command {
	format, asJSON := "text", false
	c := &cobra.Command{
		Use:   "show DIR",
		Short: "Show a package's report",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			p, err := readPackage(args[0])
			if err != nil {
				return refused(c, err)
			}
			if asJSON {
				return printJSON(c.OutOrStdout(), p.Report())
			}
			return report.Write(c.OutOrStdout(), format, p.Report())
		},
	}
	c.Flags().StringVar(&format, "format", format, "`text`, markdown or junit")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func diffCommand() *cobra.Command {
	asJSON := false
	c := &cobra.Command{
		Use:   "diff OLD NEW",
		Short: "Say why a score moved: which cases changed, and how",
		Long:  "Say why a score moved: which cases changed, and how. The exit status is 0 whether any did or not.",
		Args:  cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			p, err := readPackages(args)
			if err != nil {
				return refused(c, err)
			}
			d := report.Diff(p[0].Report(), p[1].Report())
			if asJSON {
				return printJSON(c.OutOrStdout(), d)
			}
			for _, why := range report.Incomparable(&p[0].Manifest, &p[1].Manifest) {
				fmt.Fprintln(c.OutOrStdout(), why)
			}
			return d.Text(c.OutOrStdout())
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func mergeCommand() *cobra.Command {
	out, key := "", ""
	c := &cobra.Command{
		Use:   "merge --out DIR SHARD...",
		Short: "Join the packages of all shards of a run",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			private, err := optionalKey(key)
			if err != nil {
				return err
			}
			shards, err := readPackages(args)
			if err != nil {
				return refused(c, err)
			}
			if err := result.Merge(out, shards, private); err != nil {
				return err
			}
			p, err := readPackage(out)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(c.OutOrStdout(), p.Report().Summary)
			return err
		},
	}
	c.Flags().StringVar(&out, "out", "", "the `DIR` of the package to make")
	c.Flags().StringVar(&key, "key", "", "a `FILE` with the ed25519 private key (PEM, PKCS #8) that signs it")
	_ = c.MarkFlagRequired("out") // it exists
	return c
}

// optionalKey reads a private key, nil of no file.
func optionalKey(file string) (ed25519.PrivateKey, error) {
	if file == "" {
		return nil, nil
	}
	return readKey(file)
}

func compareCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "compare DIR DIR...",
		Short: "Put the scores of packages side by side, if they can be compared",
		Args:  cobra.MinimumNArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			packages, err := readPackages(args)
			if err != nil {
				return refused(c, err)
			}
			var why []error
			for i, p := range packages[1:] {
				for _, w := range report.Incomparable(&packages[0].Manifest, &p.Manifest) {
					why = append(why, fmt.Errorf("%s and %s cannot be compared: %s", args[0], args[i+1], w))
				}
			}
			if len(why) > 0 {
				return errors.Join(why...)
			}
			return report.Compare(c.OutOrStdout(), packages)
		},
	}
}
