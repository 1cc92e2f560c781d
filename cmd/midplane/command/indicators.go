package command

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/pool/indicator"
	"example.com/midplane/conformance"
)

// everyIndicator is what --indicators means without names.
const everyIndicator = "all"

// indicateDevices measures indicators of the devices of these names, or of all
// that can be used.
func indicateDevices(c *cobra.Command, names []string, found []adapter.Found, indicators []string, asJSON bool) error {
	if slices.Contains(indicators, everyIndicator) {
		indicators = nil
	}
	var reports []*indicator.Report
	passed := true
	for _, name := range orUsable(names, found) {
		if terminal(c.ErrOrStderr()) {
			fmt.Fprintf(c.ErrOrStderr(), "measuring %s\n", name)
		}
		r, err := indicator.Measure(c.Context(), &indicator.Options{
			Open: func(ctx context.Context) (*adapter.Device, error) { return adapter.Open(ctx, name, nil) },
			Work: conformance.MatMulWork, Only: indicators,
		})
		if err != nil {
			return err
		}
		reports = append(reports, r)
		passed = passed && r.Passed()
		if !asJSON {
			if err := r.Write(c.OutOrStdout()); err != nil {
				return err
			}
		}
	}
	if asJSON {
		if err := printJSON(c.OutOrStdout(), reports); err != nil {
			return err
		}
	}
	if !passed {
		return errShort
	}
	return nil
}
