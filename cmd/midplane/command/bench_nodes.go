package command

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/models"
	"example.com/midplane/models/partition"
	"example.com/midplane/operators/cost"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/infer"
)

// nodeJSON is what a node took in one run, with the nodes that its kernel computes
// besides. What runs several times counts together.
type nodeJSON struct {
	Node         string  `json:"node"`
	Operator     string  `json:"operator"`
	Device       string  `json:"device"`
	Route        string  `json:"route"`
	Kernel       string  `json:"kernel,omitempty"`
	Runs         int     `json:"runs"`
	Time         float64 `json:"ms"`
	Part         float64 `json:"part"` // of the time of all nodes
	MultiplyAdds float64 `json:"multiply_adds,omitempty"`
	GFLOPS       float64 `json:"gflops,omitempty"`
}

// traced runs a model on the i-th device with a hook, once to warm up and then up to
// tracedRuns times or for traceTime. It keeps the events of the fastest run for the
// trace, and returns what each node took, in the median of the runs.
func (b *benchFlags) traced(ctx context.Context, m model, i int, inputs map[string]tensor.Value) (nodes []nodeJSON, err error) {
	const (
		tracedRuns = 50
		traceTime  = time.Second
	)
	var mu sync.Mutex
	var events []models.NodeEvent
	hook := func(e models.NodeEvent) {
		mu.Lock()
		defer mu.Unlock()
		events = append(events, e)
	}
	s, err := models.Load(ctx, m.path, &models.Options{Devices: strings.Split(b.devices[i], ","), Threads: b.threads, Hook: hook})
	if err != nil {
		return nil, err
	}
	defer func() { err = closeAfter(s, err) }()
	if _, err := s.Run(ctx, inputs); err != nil {
		return nil, err
	}
	var runs [][]models.NodeEvent
	for begin := time.Now(); len(runs) == 0 || len(runs) < tracedRuns && time.Since(begin) < traceTime; {
		events = nil
		if _, err := s.Run(ctx, inputs); err != nil {
			return nil, err
		}
		runs = append(runs, events)
	}
	fastest := slices.MinFunc(runs, func(a, b []models.NodeEvent) int { return cmp.Compare(duration(a), duration(b)) })
	for _, e := range fastest {
		b.events = append(b.events, b.event(e, i, m))
	}
	return nodesOf(runs, s.Placement(), factsOf(ctx, s.Placement().Graph, inputs)), nil
}

// duration is the time of all nodes.
func duration(events []models.NodeEvent) (sum time.Duration) {
	for _, e := range events {
		sum += e.Duration
	}
	return sum
}

// taken is what a kernel took in several runs of a model.
type taken struct {
	row   nodeJSON
	work  cost.Work
	times []float64 // by run, in milliseconds
}

// nodesOf says what each node took in the median of the runs, with those that its
// kernel computes besides, the slowest first.
func nodesOf(runs [][]models.NodeEvent, p *partition.Placement, facts infer.Facts) []nodeJSON {
	var order []*taken
	byNode := make(map[*graph.Node]*taken)
	for run, events := range runs {
		for _, e := range events {
			first := e.Node
			if group := p.Of(e.Node).Group; group != nil {
				first = group[0]
			}
			k := byNode[first]
			if k == nil {
				k = &taken{times: make([]float64, len(runs)),
					row: nodeJSON{Node: first.Label(), Operator: first.Operator(), Device: e.Device, Route: e.Route.String(), Kernel: e.Kernel}}
				byNode[first] = k
				order = append(order, k)
			}
			k.times[run] += millis(e.Duration)
			if run > 0 {
				continue // each does the same
			}
			k.work = k.work.Plus(cost.Node(e.Node, facts))
			if e.Node == first {
				k.row.Runs++
			}
		}
	}
	total := 0.0
	for _, k := range order {
		slices.Sort(k.times)
		k.row.Time = k.times[len(k.times)/2]
		total += k.row.Time
	}
	rows := make([]nodeJSON, len(order))
	for i, k := range order {
		k.row.MultiplyAdds, k.row.GFLOPS = k.work.Total(), gflops(k.work, k.row.Time)
		if total > 0 {
			k.row.Part = k.row.Time / total
		}
		rows[i] = k.row
	}
	slices.SortStableFunc(rows, func(a, b nodeJSON) int { return cmp.Compare(b.Time, a.Time) })
	return rows
}

// printBenchNodes prints the slowest nodes of every row, and the rest in a line.
func printBenchNodes(w io.Writer, rows []benchJSON) error {
	const most = 20
	for _, r := range rows {
		if len(r.Nodes) == 0 {
			continue
		}
		t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		fmt.Fprintf(t, "\n%s on %s\tKERNEL\tRUNS\tms\tPART\tGFLOP/s\t\n", r.Model, r.Device)
		rest := nodeJSON{}
		for i, n := range r.Nodes {
			if i >= most {
				rest.Runs += n.Runs
				rest.Time += n.Time
				rest.Part += n.Part
				continue
			}
			printBenchNode(t, n.Node, n)
		}
		if len(r.Nodes) > most {
			printBenchNode(t, fmt.Sprintf("%d others", len(r.Nodes)-most), rest)
		}
		if err := t.Flush(); err != nil {
			return err
		}
	}
	return nil
}

func printBenchNode(t io.Writer, name string, n nodeJSON) {
	fmt.Fprintf(t, "%s\t%s\t%d\t%.4g\t%.1f %%\t%s\t\n", name, n.Kernel, n.Runs, n.Time, 100*n.Part, orDash("%.3g", n.GFLOPS))
}
