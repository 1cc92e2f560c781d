// Command server classifies digits over HTTP: an example of midplane inside a
// service.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"image"
	"image/png"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/image/draw"

	"example.com/midplane/adapter/tensor"
	_ "example.com/midplane/backends/cpu"
	_ "example.com/midplane/backends/emu"
	digits "example.com/midplane/examples/digits/model"
	"example.com/midplane/models"
)

// What a request may bring.
const (
	maxBody   = 1 << 20 // bytes of a picture's file
	maxPixels = 1 << 22 // pixels of a picture: a small file may say that it has many
	side      = 28      // pixels, of what the model takes
)

// patience is how long requests under way have after the end was asked for.
const patience = 10 * time.Second

func main() {
	address := flag.String("address", "localhost:8080", "where to listen: `host:port`")
	device := flag.String("device", "cpu", "device to run on")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	listener, err := net.Listen("tcp", *address)
	if err == nil {
		slog.Info("listening", "address", listener.Addr())
		err = serve(ctx, listener, *device)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "server:", err)
		os.Exit(1)
	}
}

// serve answers requests until the context ends, then those under way, and then
// gives back what the model holds.
func serve(ctx context.Context, listener net.Listener, device string) (err error) {
	session, err := models.LoadBytes(ctx, digits.ONNX, &models.Options{Devices: []string{device}})
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	defer func() { err = errors.Join(err, session.Close()) }() // waits for runs under way
	server := &http.Server{Handler: handler(session), ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	wait, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	return server.Shutdown(wait)
}

// service is a loaded model. Requests share its session, which is safe for
// concurrent use.
type service struct {
	session *models.Session
	slots   chan struct{} // one for each run at the same time: each takes memory
}

func handler(session *models.Session) http.Handler {
	s := &service{session, make(chan struct{}, runtime.GOMAXPROCS(0))}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /classify", s.classify)
	mux.HandleFunc("GET /health", s.health)
	return mux
}

// answer is what /classify says of a picture.
type answer struct {
	Digit         int       `json:"digit"`
	Probability   float32   `json:"probability"`
	Probabilities []float32 `json:"probabilities"` // of each digit
}

// classify takes a PNG picture of a digit, white on black.
func (s *service) classify(w http.ResponseWriter, r *http.Request) {
	image, status, err := picture(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		reply(w, status, map[string]string{"error": err.Error()})
		return
	}
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	case <-r.Context().Done():
		return // nobody waits for an answer
	}
	out, err := s.session.Run(r.Context(), map[string]tensor.Value{"image": image})
	if err != nil {
		slog.Error("classify", "error", err)
		reply(w, http.StatusInternalServerError, map[string]string{"error": "the model could not be run"})
		return
	}
	a := answer{Probabilities: tensor.Slice[float32](out["probabilities"].(*tensor.Tensor))}
	for digit, p := range a.Probabilities {
		if p > a.Probability {
			a.Digit, a.Probability = digit, p
		}
	}
	reply(w, http.StatusOK, a)
}

// picture reads a PNG file as what the model takes, or says with which status
// it is refused.
func picture(body io.Reader) (t *tensor.Tensor, status int, err error) {
	b, err := io.ReadAll(body)
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return nil, http.StatusRequestEntityTooLarge, fmt.Errorf("the picture's file has more than %d bytes", large.Limit)
	}
	if err != nil {
		return nil, http.StatusBadRequest, err
	}
	config, err := png.DecodeConfig(bytes.NewReader(b))
	if err != nil {
		return nil, http.StatusUnsupportedMediaType, fmt.Errorf("the body is no PNG picture: %w", err)
	}
	if config.Width > maxPixels/max(config.Height, 1) {
		return nil, http.StatusRequestEntityTooLarge, fmt.Errorf("the picture has %d×%d pixels, more than %d", config.Width, config.Height, maxPixels)
	}
	img, err := png.Decode(bytes.NewReader(b))
	if err != nil {
		return nil, http.StatusBadRequest, err
	}
	gray := image.NewGray(image.Rect(0, 0, side, side))
	draw.BiLinear.Scale(gray, gray.Rect, img, img.Bounds(), draw.Src, nil)
	levels := make([]float32, side*side)
	for i, v := range gray.Pix {
		levels[i] = float32(v) / 255
	}
	return tensor.Of(levels, 1, 1, side, side), 0, nil
}

// health says that the model is loaded, and where it runs.
func (s *service) health(w http.ResponseWriter, _ *http.Request) {
	reply(w, http.StatusOK, map[string]string{"status": "ok", "device": s.session.Devices()[0].Name()})
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(v); err != nil {
		slog.Warn("reply", "error", err)
	}
}
