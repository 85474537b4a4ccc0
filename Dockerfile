# syntax=docker/dockerfile:1

# Another base, such as node:26-slim, can be had with --build-arg NODE_IMAGE=…
ARG NODE_IMAGE=node:26-alpine

FROM ${NODE_IMAGE} AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --ignore-scripts

FROM ${NODE_IMAGE} AS dashboard
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts
COPY scripts scripts
COPY src src
RUN node scripts/dashboard.ts

FROM ${NODE_IMAGE}
LABEL org.opencontainers.image.title="fairlead" \
      org.opencontainers.image.description="A layer 4 and layer 7 load balancer" \
      org.opencontainers.image.licenses="Apache-2.0"
ENV NODE_ENV=production
WORKDIR /app
COPY --from=dependencies /app/node_modules node_modules
COPY package.json LICENSE ./
COPY src src
COPY config config
COPY --from=dashboard /app/dist/dashboard dist/dashboard
# Mount a config of your own over this one.
COPY config/docker.yaml /etc/fairlead/fairlead.yaml

# Nothing in the image belongs to this user or is written to, so a read-only root file system is fine.
USER node
# 8080 HTTP, 8081 TCP, 9900 admin and metrics
EXPOSE 8080 8081 9900
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 \
  CMD ["node", "src/cli/healthcheck.ts"]

# Exec form: Fairlead is process 1 and gets the signals itself.
ENTRYPOINT ["node", "src/cli/main.ts"]
CMD ["run", "/etc/fairlead/fairlead.yaml"]
