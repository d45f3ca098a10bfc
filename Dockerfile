FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY .npmrc package.json package-lock.json ./
# The command of `make install`, for its reason.
RUN npm install --no-save
COPY tsconfig.json ./
COPY proto ./proto
COPY migrations ./migrations
COPY src ./src
# Of src and migrations stays what tsc copies nowhere and the program looks up from its root, such as SQL.
RUN node_modules/.bin/tsc && npm prune --omit=dev --no-save && find src migrations -name '*.ts' -delete

FROM node:24-bookworm-slim
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/proto ./proto
COPY --from=build /app/migrations ./migrations
COPY --from=build /app/src ./src
COPY --from=build /app/dist ./dist
# The default store's folder, the one place that the program may write to; mount a volume on it to keep it.
RUN install --directory --owner=node --group=node --mode=700 data
USER node
# A container's loopback reaches nobody. On these addresses the service starts only where it is told who may call, and has
# a certificate to show.
ENV GRPC_ADDRESS=0.0.0.0:50051 HTTP_ADDRESS=0.0.0.0:8080
EXPOSE 50051 8080
# Whether the process lives, not /readyz: a new container is no remedy for a store that is down.
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
  CMD ["node", "-e", "const scheme = process.env.TLS_CERT_FILE ? 'https' : 'http'; require(scheme).get(scheme + '://' + process.env.HTTP_ADDRESS + '/healthz', { rejectUnauthorized: false }, ({ statusCode }) => process.exit(statusCode === 200 ? 0 : 1))"]
ENTRYPOINT ["node", "dist/src/main.js"]
CMD ["serve"]
