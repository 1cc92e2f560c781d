package command

import (
	"fmt"
	"path/filepath"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"example.com/midplane/models/zoo"
)

// zooJSON describes a model of the zoo.
type zooJSON struct {
	Name       string `json:"name"`
	Group      string `json:"group"`
	Parameters int    `json:"parameters"`
	About      string `json:"about"`
}

func modelsCommand() *cobra.Command {
	var (
		out    string
		all    bool
		asJSON bool
	)
	c := &cobra.Command{
		Use:   "models [NAME]...",
		Short: "List canonical models that need no download, or write them",
		Long: `List canonical architectures, or write those named as folders in ONNX's test
layout, with inputs. Their weights are drawn from a seed: they have the speed of the
models they are named after, and compute nothing of use.`,
		RunE: func(c *cobra.Command, names []string) error {
			if len(names) == 0 && !all {
				return listZoo(c, asJSON)
			}
			if all && len(names) > 0 {
				return fmt.Errorf("--all and %s: name models, or take all", names[0])
			}
			var chosen []zoo.Model
			for _, name := range names {
				m, err := zoo.Find(name)
				if err != nil {
					return fmt.Errorf("%w; `midplane models` lists them", err)
				}
				chosen = append(chosen, m)
			}
			if all {
				chosen = zoo.All()
			}
			for _, m := range chosen {
				dir := filepath.Join(out, m.Name)
				if err := m.Write(dir); err != nil {
					return err
				}
				fmt.Fprintln(c.OutOrStdout(), dir)
			}
			return nil
		},
	}
	c.Flags().StringVar(&out, "out", ".", "write into `DIR`, a folder for each model")
	c.Flags().BoolVar(&all, "all", false, "write every model (about 1.1 GB)")
	c.Flags().BoolVar(&asJSON, "json", false, "print the list as JSON")
	return c
}

func listZoo(c *cobra.Command, asJSON bool) error {
	list := []zooJSON{}
	for _, m := range zoo.All() {
		list = append(list, zooJSON{m.Name, m.Group, m.Parameters(), m.About})
	}
	if asJSON {
		return printJSON(c.OutOrStdout(), list)
	}
	w := tabwriter.NewWriter(c.OutOrStdout(), 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "MODEL\tGROUP\tPARAMETERS\tWHAT")
	for _, m := range list {
		fmt.Fprintf(w, "%s\t%s\t%.1f M\t%s\n", m.Name, m.Group, float64(m.Parameters)/1e6, m.About)
	}
	return w.Flush()
}
