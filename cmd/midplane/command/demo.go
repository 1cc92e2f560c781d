package command

import (
	"fmt"
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"example.com/midplane/adapter/tensor"
	digits "example.com/midplane/examples/digits/model"
	"example.com/midplane/models"
)

// demoDevices are where the demonstration runs unless --device says otherwise.
var demoDevices = []string{"cpu", "emu"}

// prediction is what the model says of one built-in picture.
type prediction struct {
	Picture     string  `json:"picture"`
	Digit       int     `json:"digit"`
	Predicted   int     `json:"predicted"`
	Probability float64 `json:"probability"`
	Right       bool    `json:"right"`
	Millis      float64 `json:"ms"`
}

// demoJSON is the demonstration on one device.
type demoJSON struct {
	Devices     []string        `json:"devices"`
	Predictions []prediction    `json:"predictions"`
	Placement   []placementJSON `json:"placement"`
}

// demo classifies the built-in pictures on each device in turn, or on those
// that --device names, together.
func demo(c *cobra.Command, r *runFlags) error {
	groups := [][]string{r.devices}
	if len(r.devices) == 0 {
		groups = nil
		for _, d := range demoDevices {
			groups = append(groups, []string{d})
		}
	}
	var all []demoJSON
	right := true
	for _, devices := range groups {
		o, err := r.options()
		if err != nil {
			return err
		}
		o.Devices = devices
		result, err := demoOn(c, o, r.asJSON)
		if err != nil {
			return err
		}
		for _, p := range result.Predictions {
			right = right && p.Right
		}
		all = append(all, result)
	}
	if r.asJSON {
		if err := printJSON(c.OutOrStdout(), all); err != nil {
			return err
		}
	}
	if !right {
		return errShort
	}
	return nil
}

func demoOn(c *cobra.Command, o *models.Options, quiet bool) (demoJSON, error) {
	result := demoJSON{Devices: o.Devices}
	s, err := models.LoadBytes(c.Context(), digits.ONNX, o)
	if err != nil {
		return result, err
	}
	defer s.Close()
	result.Placement = placementOf(s.Placement())
	files, err := fs.Glob(digits.Samples, "samples/*.png")
	if err != nil {
		return result, err
	}
	correct := 0
	for _, file := range files {
		p, err := classify(c, s, file)
		if err != nil {
			return result, err
		}
		if p.Right {
			correct++
		}
		result.Predictions = append(result.Predictions, p)
	}
	if quiet {
		return result, nil
	}
	w := c.OutOrStdout()
	fmt.Fprintf(w, "digits on %s\n", strings.Join(o.Devices, ", "))
	for _, p := range result.Predictions {
		verdict := "right"
		if !p.Right {
			verdict = fmt.Sprintf("WRONG, it shows %d", p.Digit)
		}
		fmt.Fprintf(w, "  %-13s %d  with probability %.3f  %6.2f ms  %s\n", p.Picture, p.Predicted, p.Probability, p.Millis, verdict)
	}
	fmt.Fprintf(w, "  %d of %d right; %s\n", correct, len(files), summary(s))
	if err := printPlacement(w, s.Placement()); err != nil {
		return result, err
	}
	_, err = fmt.Fprintln(w)
	return result, err
}

// classify runs one built-in picture, whose name tells the digit it shows.
func classify(c *cobra.Command, s *models.Session, file string) (prediction, error) {
	p := prediction{Picture: path.Base(file)}
	if _, err := fmt.Sscanf(p.Picture, "sample_%d.png", &p.Digit); err != nil {
		return p, fmt.Errorf("%s: %w", file, err)
	}
	b, err := digits.Samples.ReadFile(file)
	if err != nil {
		return p, err
	}
	picture, err := decodeImage(b, s.Inputs()[0], preprocess{})
	if err != nil {
		return p, err
	}
	start := time.Now()
	out, err := s.Run(c.Context(), map[string]tensor.Value{"image": picture})
	if err != nil {
		return p, err
	}
	p.Millis = millis(time.Since(start))
	for i, v := range out["probabilities"].(*tensor.Tensor).Float64s() {
		if v > p.Probability {
			p.Predicted, p.Probability = i, v
		}
	}
	p.Right = p.Predicted == p.Digit
	return p, nil
}
