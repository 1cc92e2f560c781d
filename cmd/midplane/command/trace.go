package command

import (
	"encoding/json"
	"os"
	"time"

	"example.com/midplane/models"
)

// traceEvent is a complete event of the Trace Event Format, which Perfetto and
// browsers open. Times are in microseconds.
type traceEvent struct {
	Name     string            `json:"name"`
	Category string            `json:"cat"`
	Phase    string            `json:"ph"`
	Start    float64           `json:"ts"`
	Duration float64           `json:"dur"`
	Process  int               `json:"pid"`
	Thread   string            `json:"tid"`
	Args     map[string]string `json:"args"`
}

// event makes a trace's event of what a node took on the i-th device.
func (b *benchFlags) event(e models.NodeEvent, i int, m model) traceEvent {
	return traceEvent{
		Name: e.Node.Label(), Category: e.Node.Operator(), Phase: "X", Process: i, Thread: e.Device,
		Start: micros(e.Start.Sub(b.begin)), Duration: micros(e.Duration),
		Args: map[string]string{"route": e.Route.String(), "kernel": e.Kernel, "model": m.name()},
	}
}

func writeTrace(file string, events []traceEvent) error {
	out, err := json.Marshal(map[string]any{"traceEvents": events})
	if err != nil {
		return err
	}
	return os.WriteFile(file, out, 0o644)
}

func closeAfter(s *models.Session, err error) error {
	if closing := s.Close(); err == nil {
		return closing
	}
	return err
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
