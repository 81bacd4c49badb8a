// The service's /health and echo in Go with net/http alone: the same features and the same answers.
package main

import (
	"bufio"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

var securityHeaders = [][2]string{
	{"Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"},
	{"X-Content-Type-Options", "nosniff"},
	{"X-Frame-Options", "DENY"},
	{"X-Xss-Protection", "1; mode=block"},
	{"Strict-Transport-Security", "max-age=31536000; includeSubDomains"},
	{"Referrer-Policy", "no-referrer"},
	{"Cross-Origin-Opener-Policy", "same-origin"},
	{"Cross-Origin-Resource-Policy", "same-origin"},
	{"Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"},
}

const (
	maxBodyBytes = 1 << 20
	maxURLBytes  = 8192
	maxInFlight  = 1000
	window       = time.Minute
)

var bounds = []float64{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30}

type histogram struct {
	counts [16]uint64
	count  uint64
	sum    float64
}

type metrics struct {
	mutex    sync.Mutex
	requests map[string]*histogram
}

func (m *metrics) add(method, route string, status int, seconds float64) {
	key := method + " " + strconv.Itoa(status) + " " + route
	m.mutex.Lock()
	defer m.mutex.Unlock()
	found := m.requests[key]
	if found == nil {
		found = &histogram{}
		m.requests[key] = found
	}
	bucket := 0
	for bucket < len(bounds) && seconds > bounds[bucket] {
		bucket++
	}
	found.counts[bucket]++
	found.count++
	found.sum += seconds
}

func (m *metrics) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	for key, each := range m.requests {
		fmt.Fprintf(w, "http_requests{request=%q} %d %g\n", key, each.count, each.sum)
	}
}

type limiter struct {
	mutex   sync.Mutex
	clients map[string]*clientWindow
	most    int
}

type clientWindow struct {
	hits int
	ends time.Time
}

func (l *limiter) count(client string, now time.Time) (left int, seconds int) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	found := l.clients[client]
	if found == nil || !now.Before(found.ends) {
		found = &clientWindow{ends: now.Add(window)}
		l.clients[client] = found
	}
	found.hits++
	return l.most - found.hits, int((found.ends.Sub(now) + time.Second - 1) / time.Second)
}

type recorder struct {
	http.ResponseWriter
	status  int
	bytes   int
	keyName string
	route   string
}

func (r *recorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(body []byte) (int, error) {
	r.bytes += len(body)
	return r.ResponseWriter.Write(body)
}

type service struct {
	key     [32]byte
	started time.Time
	log     *slog.Logger
	metrics *metrics
	limiter *limiter
	slots   chan struct{}
}

// ids makes random identifiers. The buffer saves a system call for each.
type ids struct {
	mutex  sync.Mutex
	source *bufio.Reader
}

var random = ids{source: bufio.NewReaderSize(rand.Reader, 4096)}

func (i *ids) bytes() (id [16]byte) {
	i.mutex.Lock()
	defer i.mutex.Unlock()
	io.ReadFull(i.source, id[:])
	return id
}

func newID() string {
	b := random.bytes()
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	text := hex.EncodeToString(b[:])
	return text[:8] + "-" + text[8:12] + "-" + text[12:16] + "-" + text[16:20] + "-" + text[20:]
}

func validID(id string) bool {
	if id == "" || len(id) > 128 {
		return false
	}
	for i := range len(id) {
		if id[i] < 0x20 || id[i] > 0x7e {
			return false
		}
	}
	return true
}

func traceID(r *http.Request) string {
	if parts := strings.Split(r.Header.Get("Traceparent"), "-"); len(parts) == 4 && len(parts[1]) == 32 {
		return parts[1]
	}
	id := random.bytes()
	return hex.EncodeToString(id[:])
}

// edge does for every request what the service does around its routes.
func (s *service) edge(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		started := time.Now()
		id := r.Header.Get("X-Request-Id")
		if !validID(id) {
			id = newID()
		}
		trace := traceID(r)
		address, _, _ := net.SplitHostPort(r.RemoteAddr)
		header := w.Header()
		for _, each := range securityHeaders {
			header.Set(each[0], each[1])
		}
		header.Set("X-Request-Id", id)
		answer := &recorder{ResponseWriter: w, status: 200, route: "other"}
		if len(r.RequestURI) > maxURLBytes {
			problem(answer, 414, "uri_too_long")
		} else {
			next.ServeHTTP(answer, r)
		}
		took := time.Since(started)
		s.metrics.add(r.Method, answer.route, answer.status, took.Seconds())
		s.log.LogAttrs(r.Context(), slog.LevelInfo, "request",
			slog.String("request_id", id),
			slog.String("trace_id", trace),
			slog.String("key_name", answer.keyName),
			slog.String("method", r.Method),
			slog.String("route", answer.route),
			slog.String("path", r.URL.Path),
			slog.Int("status", answer.status),
			slog.Float64("duration_ms", float64(took.Microseconds())/1000),
			slog.Int("bytes", answer.bytes),
			slog.String("client_address", address),
		)
	})
}

func (s *service) health(w http.ResponseWriter, _ *http.Request) {
	w.(*recorder).route = "/health"
	w.Header().Set("Cache-Control", "no-store")
	respond(w, 200, struct {
		Status      string  `json:"status"`
		Timestamp   string  `json:"timestamp"`
		Service     string  `json:"service"`
		Version     string  `json:"version"`
		Uptime      float64 `json:"uptime_seconds"`
		Environment string  `json:"environment"`
	}{"healthy", now(), "thimble", "0.1.0", float64(time.Since(s.started).Milliseconds()) / 1000, os.Getenv("ENVIRONMENT")})
}

// limited checks the key, counts the request for its client, and limits how many are in flight.
func (s *service) limited(route string, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		answer := w.(*recorder)
		answer.route = route
		digest := sha256.Sum256([]byte(r.Header.Get("X-Api-Key")))
		known := subtle.ConstantTimeCompare(digest[:], s.key[:]) == 1
		client, _, _ := net.SplitHostPort(r.RemoteAddr)
		if known {
			answer.keyName = "default"
			client = "key default"
		}
		left, seconds := s.limiter.count(client, time.Now())
		header := w.Header()
		header.Set("Ratelimit-Policy", `"default";q=`+strconv.Itoa(s.limiter.most)+`;w=60`)
		header.Set("Ratelimit", `"default";r=`+strconv.Itoa(max(0, left))+`;t=`+strconv.Itoa(seconds))
		switch {
		case left < 0:
			problem(w, 429, "rate_limited")
			return
		case !known:
			problem(w, 401, "invalid_api_key")
			return
		}
		select {
		case s.slots <- struct{}{}:
			defer func() { <-s.slots }()
			next(w, r)
		default:
			problem(w, 503, "overloaded")
		}
	}
}

func process(w http.ResponseWriter, r *http.Request) {
	kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	if strings.TrimSpace(kind) != "application/json" {
		problem(w, 415, "unsupported_media_type")
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBodyBytes))
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		problem(w, 413, "body_too_large")
		return
	}
	var command struct {
		Action string          `json:"action"`
		Data   json.RawMessage `json:"data"`
	}
	if err != nil || json.Unmarshal(body, &command) != nil || command.Action != "echo" {
		problem(w, 400, "invalid_input")
		return
	}
	respond(w, 200, struct {
		Success   bool            `json:"success"`
		Action    string          `json:"action"`
		Data      json.RawMessage `json:"data"`
		Timestamp string          `json:"timestamp"`
	}{true, command.Action, command.Data, now()})
}

func now() string {
	return time.Now().UTC().Format("2006-01-02T15:04:05.000Z")
}

func problem(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string]any{"status": status, "code": code})
}

func respond(w http.ResponseWriter, status int, value any) {
	body, _ := json.Marshal(value)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(body)
}

func main() {
	most, _, _ := strings.Cut(os.Getenv("RATE_LIMIT"), "/")
	limit, _ := strconv.Atoi(most)
	s := &service{
		key:     sha256.Sum256([]byte(os.Getenv("API_KEY"))),
		started: time.Now(),
		log:     slog.New(slog.NewJSONHandler(os.Stdout, nil)),
		metrics: &metrics{requests: map[string]*histogram{}},
		limiter: &limiter{clients: map[string]*clientWindow{}, most: limit},
		slots:   make(chan struct{}, maxInFlight),
	}
	routes := http.NewServeMux()
	routes.HandleFunc("GET /health", s.health)
	routes.HandleFunc("POST /api/v1/process", s.limited("/api/v1/process", process))
	routes.Handle("GET /metrics", s.metrics)
	server := &http.Server{
		Addr:              "127.0.0.1:" + os.Getenv("PORT"),
		Handler:           s.edge(routes),
		ReadHeaderTimeout: 30 * time.Second,
		ReadTimeout:       30 * time.Second,
		IdleTimeout:       120 * time.Second,
	}
	fmt.Fprintln(os.Stderr, server.ListenAndServe())
	os.Exit(1)
}
