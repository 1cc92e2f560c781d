package command

import (
	"context"
	"fmt"
	"io"
	"math"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/driver"
	"example.com/midplane/conformance/measure"
)

// measuredJSON are a device's figures for machines.
type measuredJSON struct {
	Device      string `json:"device"`
	Description string `json:"description,omitempty"`
	*measure.Figures
}

// measureDevices measures the devices of these names, or all that can be used.
func measureDevices(c *cobra.Command, names []string, found []adapter.Found, asJSON bool) error {
	descriptions := make(map[string]string)
	for _, f := range found {
		descriptions[f.Name] = f.Info.Description
	}
	var list []measuredJSON
	for _, name := range orUsable(names, found) {
		figures, err := measure.Device(c.Context(), name, func(ctx context.Context) (driver.Device, error) {
			return adapter.OpenDriver(ctx, name, nil)
		}, measure.Turn)
		if err != nil {
			return err
		}
		list = append(list, measuredJSON{name, descriptions[name], figures})
	}
	if asJSON {
		return printJSON(c.OutOrStdout(), list)
	}
	for _, m := range list {
		if err := printFigures(c.OutOrStdout(), m); err != nil {
			return err
		}
	}
	return nil
}

// orUsable returns the names, or where there are none those of all devices that
// can be used.
func orUsable(names []string, found []adapter.Found) []string {
	if len(names) > 0 {
		return names
	}
	for _, f := range found {
		if f.Err == nil && f.Info.Unusable == "" {
			names = append(names, f.Name)
		}
	}
	return names
}

// printFigures writes a table of what is declared and what was measured.
func printFigures(w io.Writer, m measuredJSON) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "%s\tDECLARED\tMEASURED\tOF DECLARED\t\n", m.Device)
	row := func(what string, v measure.Value, unit func(float64) string) {
		declared, measured, share := "-", "-", ""
		if v.Declared > 0 {
			declared = unit(v.Declared)
		}
		switch {
		case v.Measured > 0 && v.AtLeast:
			measured = "at least " + unit(v.Measured)
		case v.Measured > 0:
			measured = unit(v.Measured)
		case v.Reason != "":
			measured = strings.SplitN(v.Reason, "\n", 2)[0]
		}
		if v.Declared > 0 && v.Measured > 0 && !v.AtLeast {
			share = fmt.Sprintf("%.0f %%", 100*v.Measured/v.Declared)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t\n", what, declared, measured, share)
	}
	row("memory", m.Memory, memorySize)
	for _, p := range m.Peak {
		row("products of "+p.DType, p.Value, func(v float64) string { return decimal(v, "op/s") })
	}
	rate := func(v float64) string { return decimal(v, "B/s") }
	row("host to device", m.HostIn, rate)
	row("device to host", m.HostOut, rate)
	row("device memory", m.Inside, rate)
	row("peer to device, "+m.PeerPath, m.Peer, rate)
	row("launch of a kernel", m.Launch, func(v float64) string { return time.Duration(v).String() })
	fmt.Fprintf(t, "measured in %v\t\t\t\t\n\n", m.Took.Round(100*time.Millisecond))
	return t.Flush()
}

// memorySize is a number of bytes in KiB, MiB, GiB or TiB.
func memorySize(v float64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB"}
	i := 0
	for ; v >= 1024 && i+1 < len(units); i++ {
		v /= 1024
	}
	return fmt.Sprintf("%.4g %s", v, units[i])
}

// decimal is a number with the prefix for a power of 1000.
func decimal(v float64, unit string) string {
	prefixes := []string{"", "k", "M", "G", "T", "P"}
	i := max(0, min(int(math.Log10(v)/3), len(prefixes)-1))
	return fmt.Sprintf("%.3g %s%s", v/math.Pow(1000, float64(i)), prefixes[i], unit)
}
