module example.com/hello

go 1.21

require (
	github.com/aws/aws-lambda-go v1.54.0
	github.com/google/uuid v1.6.0
)
