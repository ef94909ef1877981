package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
)

// settings are read once from the environment.
type settings struct {
	target       string
	token        string
	caFile       string
	stateFile    string
	photoFile    string
	labelPrefix  string
	caseInterval time.Duration
}

func readSettings(getenv func(string) string) (settings, error) {
	token := getenv("FBALI_TOKEN")
	if token == "" {
		return settings{}, errors.New("FBALI_TOKEN is not set; the operator or the vendor issues one")
	}
	text := cmp.Or(getenv("FBALI_CASE_SECONDS"), "15")
	seconds, err := strconv.Atoi(text)
	if err != nil || seconds < 1 || seconds > 60 {
		return settings{}, fmt.Errorf("FBALI_CASE_SECONDS=%s is no number from 1 to 60", text)
	}
	return settings{
		target:       cmp.Or(getenv("FBALI_SERVER"), "127.0.0.1:7443"),
		token:        token,
		caFile:       getenv("FBALI_CA_FILE"),
		stateFile:    cmp.Or(getenv("FBALI_STATE_FILE"), ".fbali-resume-token"),
		photoFile:    getenv("FBALI_PHOTO_FILE"),
		labelPrefix:  cmp.Or(getenv("FBALI_LABEL_PREFIX"), "GO-"),
		caseInterval: time.Duration(seconds) * time.Second,
	}, nil
}

// connect prepares a connection; nothing is sent before the first call.
func connect(s settings) (*grpc.ClientConn, error) {
	transport, err := transportOf(s)
	if err != nil {
		return nil, err
	}
	return grpc.NewClient(s.target,
		grpc.WithTransportCredentials(transport),
		grpc.WithPerRPCCredentials(bearer{s.token, isTLS(s)}),
		// A server that was restarted is found again within two seconds, not within two minutes.
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: waitMin, Multiplier: 2, Jitter: 0.2, MaxDelay: waitMax},
			MinConnectTimeout: 5 * time.Second,
		}),
		// Finds out that a quiet watch is dead. The server refuses pings more often than every 30 s.
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: time.Minute, Timeout: 20 * time.Second}),
	)
}

func transportOf(s settings) (credentials.TransportCredentials, error) {
	switch {
	case !isTLS(s):
		return insecure.NewCredentials(), nil
	case s.caFile == "":
		return credentials.NewTLS(&tls.Config{}), nil // Trusts the public authorities.
	}
	return credentials.NewClientTLSFromFile(s.caFile, "")
}

// isTLS tells whether to encrypt: always, but for this machine without an authority to check.
func isTLS(s settings) bool {
	host, _, err := net.SplitHostPort(s.target)
	isLocal := err == nil && (host == "localhost" || net.ParseIP(host).IsLoopback())
	return s.caFile != "" || !isLocal
}

// bearer sends the token with every call.
type bearer struct {
	token string
	isTLS bool
}

func (b bearer) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Bearer " + b.token}, nil
}

func (b bearer) RequireTransportSecurity() bool { return b.isTLS }
