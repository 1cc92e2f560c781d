package command

import (
	"context"
	"encoding/json"
	"os"
	"strings"
	"sync"
	"time"

	"example.com/midplane/adapter/tensor"
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

// traced runs the model once on every device with a hook and keeps what each
// node took.
func (b *benchFlags) traced(ctx context.Context, m model, inputs map[string]tensor.Value) error {
	var mu sync.Mutex
	for i, device := range b.devices {
		hook := func(e models.NodeEvent) {
			mu.Lock()
			defer mu.Unlock()
			b.events = append(b.events, traceEvent{
				Name: e.Node.Label(), Category: e.Node.Operator(), Phase: "X", Process: i, Thread: e.Device,
				Start: micros(e.Start.Sub(b.begin)), Duration: micros(e.Duration),
				Args: map[string]string{"route": e.Route.String(), "kernel": e.Kernel, "model": m.name()},
			})
		}
		s, err := models.Load(ctx, m.path, &models.Options{Devices: strings.Split(device, ","), Threads: b.threads, Hook: hook})
		if err != nil {
			return err
		}
		_, err = s.Run(ctx, inputs)
		if err = closeAfter(s, err); err != nil {
			return err
		}
	}
	return nil
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
