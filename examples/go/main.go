// Answers with a greeting and the name's UUID.
package main

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/google/uuid"
)

type event struct {
	Name string `json:"name"`
}

type answer struct {
	Message string `json:"message"`
	ID      string `json:"id"`
}

func hello(ctx context.Context, e event) (answer, error) {
	return answer{"Hello, " + e.Name, uuid.NewSHA1(uuid.NameSpaceDNS, []byte(e.Name)).String()}, nil
}

func main() { lambda.Start(hello) }
