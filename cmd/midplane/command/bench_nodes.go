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
// trace, and returns what each node took in it.
func (b *benchFlags) traced(ctx context.Context, m model, i int, inputs map[string]tensor.Value) (nodes []nodeJSON, err error) {
	const (
		tracedRuns = 20
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
	var fastest []models.NodeEvent
	for begin, run := time.Now(), 0; run <= 1 || run <= tracedRuns && time.Since(begin) < traceTime; run++ {
		events = nil
		if _, err := s.Run(ctx, inputs); err != nil {
			return nil, err
		}
		if run == 0 {
			begin = time.Now()
		} else if fastest == nil || duration(events) < duration(fastest) {
			fastest = events
		}
	}
	for _, e := range fastest {
		b.events = append(b.events, b.event(e, i, m))
	}
	return nodesOf(fastest, s.Placement(), factsOf(ctx, s.Placement().Graph, inputs)), nil
}

// duration is the time of all nodes.
func duration(events []models.NodeEvent) (sum time.Duration) {
	for _, e := range events {
		sum += e.Duration
	}
	return sum
}

// nodesOf adds up what each node took, with those that its kernel computes besides,
// the slowest first.
func nodesOf(events []models.NodeEvent, p *partition.Placement, facts infer.Facts) []nodeJSON {
	type sum struct {
		row  nodeJSON
		work cost.Work
	}
	var order []*graph.Node
	sums := make(map[*graph.Node]*sum)
	for _, e := range events {
		first := e.Node
		if group := p.Of(e.Node).Group; group != nil {
			first = group[0]
		}
		s := sums[first]
		if s == nil {
			s = &sum{row: nodeJSON{Node: first.Label(), Operator: first.Operator(), Device: e.Device, Route: e.Route.String(), Kernel: e.Kernel}}
			sums[first] = s
			order = append(order, first)
		}
		if e.Node == first {
			s.row.Runs++
		}
		s.row.Time += millis(e.Duration)
		s.work = s.work.Plus(cost.Node(e.Node, facts))
	}
	total := millis(duration(events))
	rows := make([]nodeJSON, len(order))
	for i, n := range order {
		s := sums[n]
		s.row.MultiplyAdds, s.row.GFLOPS = s.work.Total(), gflops(s.work, s.row.Time)
		if total > 0 {
			s.row.Part = s.row.Time / total
		}
		rows[i] = s.row
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
