package command

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"example.com/midplane/adapter"
)

// deviceJSON is one device for machines.
type deviceJSON struct {
	Name         string            `json:"name"`
	Class        string            `json:"class,omitempty"`
	Description  string            `json:"description,omitempty"`
	Vendor       string            `json:"vendor,omitempty"`
	Version      string            `json:"version,omitempty"`
	UUID         string            `json:"uuid,omitempty"`
	Bus          string            `json:"bus,omitempty"`
	Arch         string            `json:"arch,omitempty"`
	Units        int               `json:"units,omitempty"`
	Memory       int64             `json:"memory_bytes,omitempty"`
	DTypes       []string          `json:"dtypes,omitempty"`
	Capabilities []string          `json:"capabilities"`
	Usable       bool              `json:"usable"`
	Reason       string            `json:"reason,omitempty"`
	Cause        string            `json:"cause,omitempty"`
	Remedy       string            `json:"remedy,omitempty"`
	Properties   map[string]string `json:"properties,omitempty"`
}

func devicesCommand() *cobra.Command {
	var asJSON, measured bool
	var names, indicators []string
	c := &cobra.Command{
		Use:   "devices",
		Short: "List every device, usable or not, with the reason; or measure them",
		Long: `List every device, usable or not, with the reason.

With --measure, find out how fast they are, for about ten seconds each: products of
matrices by element type, copies, the launch of a kernel, memory that can be had.
What a device declares of itself stands beside.

With --indicators, find out how well they are divided into instances and shared out
(docs/pool.md), for half a minute each; the exit status is 1 where an indicator is
outside its bound.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			found := adapter.Devices(c.Context())
			if measured {
				return measureDevices(c, names, found, asJSON)
			}
			if len(indicators) > 0 {
				return indicateDevices(c, names, found, indicators, asJSON)
			}
			if len(names) > 0 {
				return fmt.Errorf("--device goes with --measure or --indicators; the list has every device")
			}
			list := listDevices(found)
			if asJSON {
				return printJSON(c.OutOrStdout(), list)
			}
			t := tabwriter.NewWriter(c.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintln(t, "DEVICE\tCLASS\tUSABLE\tDESCRIPTION\tCAPABILITIES")
			for _, d := range list {
				usable, description := "yes", d.Description
				if !d.Usable {
					usable, description = "no", strings.TrimSuffix(d.Reason+"; "+d.Remedy, "; ")
				}
				fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", d.Name, d.Class, usable, description, strings.Join(d.Capabilities, " "))
			}
			if len(LeftOut) > 0 {
				fmt.Fprintf(t, "\nleft out of this build: %s\n", strings.Join(LeftOut, ", "))
			}
			return t.Flush()
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	c.Flags().BoolVar(&measured, "measure", false, "measure the devices")
	c.Flags().StringSliceVar(&indicators, "indicators", nil, "measure virtualization and scheduling; `all`, or some as in --indicators=create,fairness")
	c.Flags().Lookup("indicators").NoOptDefVal = everyIndicator
	c.MarkFlagsMutuallyExclusive("measure", "indicators")
	c.Flags().StringSliceVar(&names, "device", nil, "with --measure or --indicators: the devices `A,B` (default: all usable ones)")
	return c
}

// LeftOut names the backends that a program was built without, for people who
// look for them. The main package sets it.
var LeftOut []string

func listDevices(found []adapter.Found) []deviceJSON {
	list := []deviceJSON{}
	for _, f := range found {
		d := deviceJSON{
			Name: f.Name, Class: string(f.Info.Class), Description: f.Info.Description, Vendor: f.Info.Vendor,
			Version: f.Info.Version, UUID: f.Info.UUID, Bus: f.Info.Bus, Arch: f.Info.Arch, Units: f.Info.Units, Memory: f.Info.Memory,
			Capabilities: f.Info.Caps.Names(), Usable: f.Err == nil && f.Info.Unusable == "", Reason: f.Info.Unusable,
			Cause: f.Info.Cause.String(), Remedy: f.Info.Remedy, Properties: f.Info.Properties,
		}
		for _, t := range f.Info.DTypes {
			d.DTypes = append(d.DTypes, t.String())
		}
		if f.Err != nil {
			d.Reason = f.Err.Error()
		}
		list = append(list, d)
	}
	return list
}
